import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type RegistryLogin, registryHost } from '../../local/docker/registries.ts';
import type { ContextFile } from '../types.ts';

const texts = z.record(z.string(), z.string());
/** `null`: it was given, and isn't kept (credentials.ts). */
const secretTexts = z.record(z.string(), z.string().nullable());
const command = z.union([z.string(), z.array(z.string())]).nullish();

const nameParts = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
/** A registry, the parts of a name, a tag and a digest, as engines have them; so it also is safe in an address. */
const referencePattern = new RegExp(
  `^(?:(?:[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)*|\\[[0-9a-fA-F:]+\\])(?::\\d+)?/)?${nameParts}(?:/${nameParts})*` +
    '(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9.+_-]*:[0-9a-fA-F]{32,})?$',
);

/**
 * `image` of a `container` environment (docs/platform/control-plane.md#containers). Unknown keys are tolerated.
 * `builder` and `compression` are about the cloud's builders and registry, and have no meaning here.
 */
const imageSchema = z.object({
  dockerfile_str: z.string().nullish(),
  image: z
    .string()
    .trim()
    .max(255)
    .regex(referencePattern, 'This is not the name of an image, such as python:3.12 or ghcr.io/me/app:1.')
    .nullish(),
  build_args: texts.nullish(),
  secrets: secretTexts.nullish(),
  registries: z.record(z.string(), z.object({ username: z.string(), password: z.string().nullable() })).nullish(),
  entrypoint: command,
  cmd: command,
  use_isolate: z.boolean().nullish(),
});
const configurationSchema = z.object({ image: imageSchema.nullish() });

/** A checked container environment. */
export interface ContainerDefinition {
  readonly source:
    | {
        readonly kind: 'dockerfile';
        readonly text: string;
        readonly buildArgs: { readonly [name: string]: string };
        /** Names of build secrets, and their values as far as they are known. */
        readonly secrets: ReadonlyMap<string, string | null>;
      }
    | { readonly kind: 'reference'; readonly reference: string };
  /** By host; `null`: there was a login, and it isn't known any more. */
  readonly logins: ReadonlyMap<string, RegistryLogin | null>;
  readonly entrypoint: readonly string[] | null;
  readonly cmd: readonly string[] | null;
  /** The image is run as it is; otherwise a function of the SDK runs in its Python. */
  readonly runsAsItIs: boolean;
}

export type ParsedContainer =
  | { readonly ok: true; readonly definition: ContainerDefinition }
  | { readonly ok: false; readonly reason: string };

/** Checks the configuration of a container environment. */
export function parseContainer(configuration: unknown): ParsedContainer {
  const parsed = configurationSchema.safeParse(configuration);
  if (!parsed.success) {
    const why = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'configuration'}: ${issue.message}`);
    return { ok: false, reason: `Invalid environment: ${why.join('; ')}` };
  }
  const { image } = parsed.data;
  const { dockerfile_str: dockerfile, image: reference } = image ?? {};
  const source =
    typeof dockerfile === 'string'
      ? ({
          kind: 'dockerfile',
          text: dockerfile,
          buildArgs: image?.build_args ?? {},
          secrets: new Map(Object.entries(image?.secrets ?? {})),
        } as const)
      : typeof reference === 'string'
        ? ({ kind: 'reference', reference } as const)
        : null;
  if (source === null) {
    const reason = 'Invalid environment: a container environment needs an image: minifal has no default one.';
    return { ok: false, reason };
  }
  return {
    ok: true,
    definition: {
      source,
      logins: new Map(
        Object.entries(image?.registries ?? {}).map(([key, { username, password }]) => [
          registryHost(key),
          password === null ? null : { username, password },
        ]),
      ),
      entrypoint: commandOf(image?.entrypoint),
      cmd: commandOf(image?.cmd),
      runsAsItIs: image?.use_isolate === false,
    },
  };
}

/** A text is a line for the shell, as in a Dockerfile. */
function commandOf(value: z.output<typeof command>): readonly string[] | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? ['/bin/sh', '-c', value] : value;
}

/**
 * Content hash of an image: its Dockerfile, arguments, files, and the names of its secrets; not their values, nor
 * logins, nor what is run in it.
 */
export function imageHash(
  { source }: ContainerDefinition,
  files: readonly Pick<ContextFile, 'hash' | 'relativePath'>[],
) {
  const content =
    source.kind === 'reference'
      ? [source.reference]
      : [
          source.text,
          Object.entries(source.buildArgs).sort(byName),
          [...source.secrets.keys()].sort(),
          files.map(({ relativePath, hash }) => [relativePath, hash] as const).sort(byName),
        ];
  return createHash('sha256')
    .update(JSON.stringify([source.kind, ...content]))
    .digest('hex');
}

function byName([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : 1;
}
