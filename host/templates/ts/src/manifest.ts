/** The manifest with another image, and the image that it had; null unless it names exactly one. */
export function withImage(content: string, image: string): { content: string; previous: string } | null {
  const line = /^([ -]*image: *["']?)([^\s"']+)/gm;
  const [found, ...more] = content.matchAll(line);
  const previous = found?.[2];
  if (previous === undefined || more.length > 0) return null;
  return { content: content.replace(line, (_, before: string) => before + image), previous };
}
