/** A version as it appears in a pickle: length, text (including a pre-release suffix), and a mark at its end. */
const text = /\u008c.((\d+)\.(\d+)\.(\d+))[\w.+-]{0,40}\u0094/gs;
const agent = /fal-sdk\/(\d{1,3}\.\d{1,3}\.\d{1,3})\S{0,40} \(python\)/;
/** The oldest supported line of releases is 1.57; an app's own version is rarely in that range. */
const minMinor = 50;
/** The search for each version reads the pickle once more; a real pickle contains few versions. */
const maxVersions = 100;

/**
 * The release of the SDK whose module `fal` a pickle contains as a whole; `undefined`: it contains none. An app whose
 * method starts with `fal.toolkit.…` or `fal.wma.…` refers to the module, and the SDK pickles its modules by value. So
 * the pickle contains the module's names, among them `version_tuple`, which no function of the SDK uses. (The control
 * plane's messages don't name the release.) A pre-release counts as the release that it leads to.
 */
export function sdkReleaseIn(pickle: Uint8Array): string | undefined {
  const bytes = Buffer.from(pickle.buffer, pickle.byteOffset, pickle.byteLength);
  if (!bytes.includes('version_tuple')) return undefined;
  const latin = bytes.toString('latin1');
  const release = agent.exec(latin)?.[1];
  if (release !== undefined) return release;
  // The same version must also be there as a tuple of small numbers: 1.83.0 and (1, 83, 0).
  const looked = new Set<string>();
  for (const [, version = '', ...parts] of latin.matchAll(text)) {
    const [major = 0, minor = 0, patch = 0] = parts.map(Number);
    if (looked.has(version)) continue;
    looked.add(version);
    if (looked.size > maxVersions) return undefined;
    const tuple = Buffer.from([0x4b, major, 0x4b, minor, 0x4b, patch]);
    if (major === 1 && minor >= minMinor && minor < 256 && patch < 256 && bytes.includes(tuple)) return version;
  }
  return undefined;
}
