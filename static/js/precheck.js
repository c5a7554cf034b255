// A quick look at a file before it is sent. The server checks again, and more.

import { size } from "./format.js";

const GZIP_MAGIC = [0x1f, 0x8b];
const HOW_TO_PACK = "Pack the folder first: tar czf bundle.tgz my-folder";

/** Why this file cannot be sent, as a sentence for people, or null when it looks fine. */
export async function whyNot(file, maxBytes) {
  if (file.size === 0) return "This file is empty. Make the bundle again.";
  if (file.size > maxBytes) {
    return `This file has ${size(file.size)}. The limit is ${size(maxBytes)}. Leave out what is not needed, or split it.`;
  }
  let start;
  try {
    start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  } catch {
    return `This cannot be read. Is it a folder? ${HOW_TO_PACK}`;
  }
  const isGzip = GZIP_MAGIC.every((byte, index) => start[index] === byte);
  if (!isGzip) return `This is not a .tgz file. ${HOW_TO_PACK}`;
  if (!/\.(tgz|tar\.gz)$/i.test(file.name)) return "The name must end in .tgz or .tar.gz. Rename the file if it is a bundle.";
  return null;
}
