/** Characters that no XML document may have, and halves of surrogate pairs. */
const impossible = /(?!\n)[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/gu;

function possible(text: string): string {
  return text
    .replace(/\r\n?|[\u2028\u2029]/g, '\n')
    .replace(/\t/g, ' ')
    .replace(impossible, '\ufffd');
}

/** Text within HTML-like labels of Graphviz; `lineBreak` stands for the end of a line. */
export function escapeXml(text: string, lineBreak: string): string {
  return possible(text)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/\n/g, lineBreak);
}

/** All but letters, digits and harmless signs; of _ those that Markdown could take for emphasis. */
const unsafe = /[^\p{L}\p{M}\p{N}_ (),.=+/×·‖∞∂…-]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|ﬂ/gu;

/**
 * Text within a quoted label of Mermaid: what is not safe is written as a code, so that neither its
 * grammar nor the HTML and Markdown that labels may hold can see it.
 */
export function escapeMermaid(text: string): string {
  return possible(text).replace(unsafe, (sign) =>
    sign === '\n' ? '<br/>' : `#${sign.codePointAt(0)};`,
  );
}
