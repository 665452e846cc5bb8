/**
 * Where a template goes: into the folder itself if it is empty (hidden files don't count), otherwise into a new folder
 * of its name below it. Pure.
 * @param entries the names in the folder
 */
export function placeFor(name: string, entries: readonly string[]): string {
  if (entries.every((entry) => entry.startsWith('.'))) return '.';
  const taken = new Set(entries);
  let place = name;
  for (let number = 2; taken.has(place); number++) place = `${name}-${number}`;
  return place;
}
