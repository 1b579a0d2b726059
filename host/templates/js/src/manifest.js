// The manifest with another image, and the image that it had; null unless it names exactly one.
export function withImage(content, image) {
  const line = /^([ -]*image: *["']?)([^\s"']+)/gm;
  const found = [...content.matchAll(line)];
  if (found.length !== 1) return null;
  return { content: content.replace(line, (_, before) => before + image), previous: found[0][2] };
}
