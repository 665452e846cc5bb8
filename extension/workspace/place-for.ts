/**
 * Where a template goes: into the folder itself if it is empty (hidden files don't count), otherwise into a new folder
 * of its name below it. Pure.
 * @param entries the names in the folder
 */
export function placeFor(name: string, entries: readonly string[]): string {
  return isEmpty(entries) ? '.' : freeName(name, entries);
}

/** Whether a folder with these names in it counts as empty. */
export function isEmpty(entries: readonly string[]): boolean {
  return entries.every((entry) => entry.startsWith('.'));
}

/** The name, with a number if it is taken. */
export function freeName(name: string, entries: readonly string[]): string {
  let place = name;
  for (let number = 2; isTaken(place, entries); number++) place = `${name}-${number}`;
  return place;
}

/** Many disks have one folder for names that differ only in case, or in how an accent is encoded. */
export function isTaken(name: string, entries: readonly string[]): boolean {
  const alike = (text: string) => text.normalize().toLowerCase();
  return entries.some((entry) => alike(entry) === alike(name));
}
