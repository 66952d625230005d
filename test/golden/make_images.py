"""Image files by Pillow in many forms, with the pixels that Pillow reads of them."""

import base64
import io

import numpy as np
from PIL import Image, ImageOps, __version__

from golden import case, uniforms, write

cases = []
PIXELS = np.floor(uniforms(7, 5 * 4 * 3) * 256).astype(np.uint8).reshape(5, 4, 3)
RGB = Image.fromarray(PIXELS)
GREY = Image.fromarray(PIXELS[:, :, 0])


def smooth(height, width):
    """A picture without sharp edges, which all decoders of JPEG and all resizers agree on."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 9 + c) * np.cos(y / 7 - c) for c in range(3)]
    return Image.fromarray((127.5 + 120 * np.stack(waves, axis=-1)).astype(np.uint8))


def planes(image):
    return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def add(name, image, expected, tolerance, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    stored = Image.open(io.BytesIO(file.getvalue()))
    pixels = ImageOps.exif_transpose(stored) if expected is None else expected
    grey = np.asarray(pixels.convert("RGB").convert("L"))[None]
    attributes = {
        "file": base64.b64encode(file.getvalue()).decode("ascii"),
        "tolerance": tolerance,
    }
    cases.append(case(name, attributes, {}, {"rgb": planes(pixels), "grey": grey}))


def main():
    turned = Image.Exif()
    turned[0x112] = 6
    deep = Image.fromarray(PIXELS[:, :, 0].astype(np.uint16) * 256 + 100)
    clear = Image.fromarray(np.dstack([PIXELS, PIXELS[:, :, :1]]))
    add("png", RGB, None, 0, "PNG")
    add("png, grey", GREY, None, 0, "PNG")
    add("png, palette", RGB.quantize(7), None, 0, "PNG")
    add("png, two colours", GREY.convert("1"), None, 0, "PNG")
    add("png with transparency", clear, None, 0, "PNG")
    add("png of 16 bits", deep, GREY, 0, "PNG")
    add("webp", RGB, None, 0, "WEBP", lossless=True)
    add("gif", RGB.quantize(7), None, 0, "GIF")
    add("gif of two pictures", RGB.quantize(7), None, 0, "GIF", save_all=True, append_images=[GREY])
    add("tiff", RGB, None, 0, "TIFF")
    add("tiff, other byte order and packed", RGB, None, 0, "TIFF", compression="tiff_lzw")
    add("jpeg", smooth(24, 17), None, 4, "JPEG", quality=95, subsampling=0)
    add("jpeg, progressive", smooth(24, 17), None, 4, "JPEG", quality=95, progressive=True, subsampling=0)
    add("jpeg, grey", smooth(24, 17).convert("L"), None, 2, "JPEG", quality=95)
    add("jpeg on its side", smooth(24, 17), None, 4, "JPEG", quality=95, subsampling=0, exif=turned)
    large = smooth(96, 120)
    add("resized from 96 x 120", large, large.resize((30, 32), Image.LANCZOS), 3, "PNG")
    write("images", f"make_images.py, Pillow {__version__}", cases)


if __name__ == "__main__":
    main()
