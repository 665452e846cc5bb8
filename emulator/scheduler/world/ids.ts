import { createHash } from 'node:crypto';

/** A UUID derived from its arguments: the same seed and counter always give the same one (version 4 in shape). */
export function uuidFrom(seed: string, counter: number): string {
  const hex = createHash('sha256').update(`${seed}\n${counter}`).digest('hex');
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) % 4];
  const [first, second] = [hex.slice(0, 8), hex.slice(8, 12)];
  return `${first}-${second}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
