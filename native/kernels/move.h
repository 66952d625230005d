#pragma once

// Kernels that move elements of T's size as they are, or add them up where they land.
//
// add_to(x, sum, count): sum[i] += x[i].
//
// reverse(last, to, count): to[j] = last[−j]. `to` must not overlap what is read.
//
// transpose_plane(from, from_pitch, to, to_pitch, rows, columns, past_caches):
//     to[i · to_pitch + j] = from[i + j · from_pitch] for i < rows, j < columns; with past_caches
//     it may be written around the caches, when it is too large for them anyway.
