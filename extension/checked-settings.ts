import * as z from 'zod';
import { huggingFaceModes, isolationModes } from './target/isolation.ts';
import { isWebOrigin } from './target/web-origin.ts';

/** A setting whose value may be wrong: what it must be, and what is used when it isn't. */
interface Checked<T> {
  readonly schema: z.ZodType<T>;
  readonly fallback: T;
  /** The rest of the sentence "minifal.x has no such value; …". */
  readonly instead: string;
}

function checked<T>(schema: z.ZodType<T>, fallback: T, instead: string): Checked<T> {
  return { schema, fallback, instead };
}

const settings = {
  port: checked(z.int().min(0).max(65_532), 4710, 'port 4710 is used'),
  timeScale: checked(z.number().min(1).max(1000), 1, 'time runs as on the clock'),
  allowedOrigins: checked<readonly string[]>(z.array(z.string().refine(isWebOrigin)), [], 'no web page may call'),
  isolation: checked(z.enum(isolationModes), 'full', '`full` is used'),
  share: checked<readonly string[]>(z.array(z.string().regex(/^(?:~\/|\/)./)), [], 'nothing is shared'),
  huggingFaceCache: checked(z.enum(huggingFaceModes), 'off', '`off` is used'),
  allowOutside: checked(z.boolean(), false, 'no app may'),
  stopEmulatorOnClose: checked(
    z.enum(['whenLastWindowCloses', 'never']),
    'whenLastWindowCloses',
    'the emulator stops with the last window',
  ),
  sealSecrets: checked(z.enum(['auto', 'always', 'never']), 'auto', '`auto` is used'),
};

export type CheckedName = keyof typeof settings;
type Value<N extends CheckedName> = (typeof settings)[N]['fallback'];

export const checkedNames = Object.keys(settings) as readonly CheckedName[];

/** The value if the setting can have it, else the default. Pure. */
export function usable<N extends CheckedName>(name: N, value: unknown): Value<N> {
  const { schema, fallback } = settings[name];
  const parsed = schema.safeParse(value);
  return (parsed.success ? parsed.data : fallback) as Value<N>;
}

/** A sentence when the setting can't have this value. Pure. */
export function complaint(name: CheckedName, value: unknown): string | undefined {
  const { schema, instead } = settings[name];
  return schema.safeParse(value).success ? undefined : `The setting minifal.${name} has no such value; ${instead}.`;
}
