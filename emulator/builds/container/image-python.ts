import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { frameReader } from '../../engines/docker/output.ts';
import { type EngineApi, isRefusal } from '../../local/docker/api.ts';
import { asker, askerLabel, ownerLabel } from '../../local/docker/labels.ts';
import { checkPython, oldestPython } from '../../local/python-versions.ts';
import { tryJson } from '../../local/try-json.ts';
import { UserError } from '../../wire/errors.ts';

/** Commands by which an image may know its Python; the first that is there counts, as in a shell. */
const commands = ['python', 'python3'] as const;
const usualAnswerMs = 30_000;
/** Bytes that are read of what it prints. */
const maxAnswer = 64 * 1024;
const shownOutput = 300;

const answerSchema = z.object({
  version: z.tuple([z.number().int(), z.number().int(), z.number().int()]),
  machine: z.string().regex(/^\w+$/),
  libc: z.string().nullable(),
});

/** The Python of an image. */
export interface ImagePython {
  readonly command: string;
  readonly version: readonly [number, number, number];
  /** `x86_64`, `aarch64`. */
  readonly machine: string;
  /** `glibc 2.36`; `null`: another C library, such as musl. */
  readonly libc: string | null;
}

/** Asks a Python what it is, also one that is too old. Modules of the image's working folder have no say. */
function question(mark: string): string {
  return `
import sys
sys.path[:] = [path for path in sys.path if path]
import json, os
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION")
except (AttributeError, OSError, ValueError):
    libc = None
about = {"version": list(sys.version_info[:3]), "machine": os.uname()[4], "libc": libc}
sys.stdout.write("\\n${mark}" + json.dumps(about) + "\\n")
`;
}

/** Images whose Python is remembered. */
const maxRemembered = 1_000;

interface Question {
  readonly image: string;
  readonly owner: string;
  readonly signal: AbortSignal;
  /** How long a Python may take to answer. */
  readonly answerMs?: number;
}

/** `imagePython`, which asks each image once: what an image of this id contains never changes. */
export function imagePythons(): typeof imagePython {
  const known = new Map<string, ImagePython>();
  return async (api, order) => {
    const before = known.get(order.image);
    if (before !== undefined) return before;
    const python = await imagePython(api, order);
    if (known.size >= maxRemembered) known.clear();
    if (order.image.startsWith('sha256:')) known.set(order.image, python);
    return python;
  };
}

/**
 * Asks the Python of an image what it is, in a container without a network that is removed at once.
 * @throws UserError if it has none, or one in which functions can't run
 */
export async function imagePython(
  api: EngineApi,
  { answerMs = usualAnswerMs, ...order }: Question,
): Promise<ImagePython> {
  const mark = randomBytes(16).toString('hex');
  const said: string[] = [];
  for (const command of commands) {
    const output = await outputOf(api, { ...order, answerMs, line: [command, '-c', question(mark)] });
    if (output === null) continue;
    const line = output.split('\n').find((one) => one.startsWith(mark));
    const found = answerSchema.safeParse(line === undefined ? null : tryJson(line.slice(mark.length)));
    if (found.success) return checked({ command, ...found.data });
    said.push(`\`${command}\` answered: ${output.trim().slice(0, shownOutput) || 'nothing'}`);
  }
  const why =
    said.length === 0
      ? "The image has no Python on its PATH, and the app's code runs on the image's own Python."
      : `The image's Python doesn't say what it is. ${said.join('; ')}`;
  throw new UserError(
    'IMAGE_PYTHON_MISSING',
    why,
    'Install Python in the image, such as by `FROM python:3.11-slim`. If the image is a server of its own, set ' +
      '`use_isolate=False`.',
  );
}

function checked(python: ImagePython): ImagePython {
  const [major, minor] = python.version;
  if (checkPython(major, minor) !== 'tooOld') return python;
  throw new UserError(
    'IMAGE_PYTHON_OLD',
    `The image's Python is ${python.version.join('.')}, and apps need at least ${oldestPython}.`,
    'Install a newer Python in the image, and put it first on its PATH.',
  );
}

/** Functions are pickled for one minor version of Python. @throws UserError if the image has another one */
export function mustBePickledFor({ version: [major, minor] }: ImagePython, wanted: string | null): void {
  const [wantedMajor, wantedMinor] = wanted?.split('.') ?? [];
  if (wanted === null || (Number(wantedMajor) === major && Number(wantedMinor) === minor)) return;
  const own = `${major}.${minor}`;
  throw new UserError(
    'IMAGE_PYTHON_OTHER',
    `The image has Python ${own}, and the app was sent by Python ${wanted}, whose code ${own} can't load.`,
    `Use Python ${wantedMajor}.${wantedMinor} in the image, or run the fal command with Python ${own}.`,
  );
}

/** What a command prints in a container of the image; `null`: the image has no such command. */
async function outputOf(
  api: EngineApi,
  order: Required<Question> & { readonly line: readonly string[] },
): Promise<string | null> {
  const { image, owner, line, signal, answerMs } = order;
  const body = {
    Image: image,
    Entrypoint: line,
    Cmd: [],
    Labels: { [ownerLabel]: owner, [askerLabel]: asker },
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: { NetworkMode: 'none', LogConfig: { Type: 'none' } },
  };
  const id = await api.create({ path: '/containers/create', body, signal });
  let stream: Duplex | undefined;
  try {
    const query = { stream: '1', stdout: '1', stderr: '1' };
    stream = await api.upgrade({ method: 'POST', path: `/containers/${id}/attach`, query, signal }, 'tcp');
    const output = readUpTo(stream, maxAnswer);
    await api.send({ method: 'POST', path: `/containers/${id}/start`, signal });
    return await Promise.race([output, tooLate(answerMs, signal)]);
  } catch (error) {
    // The engine's words for a command that isn't there.
    if (isRefusal(error, 400, 404) && /executable file not found|no such file/i.test(error.message)) return null;
    throw error;
  } finally {
    stream?.destroy();
    await api
      .send({ method: 'DELETE', path: `/containers/${id}`, query: { force: '1', v: '1' } })
      .catch(() => undefined);
  }
}

async function tooLate(answerMs: number, signal: AbortSignal): Promise<string> {
  await delay(answerMs, undefined, { signal, ref: false });
  return `nothing within ${answerMs / 1000} seconds`;
}

function readUpTo(stream: Duplex, most: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const frames = frameReader((_stream, part) => {
    chunks.push(part);
    bytes += part.length;
  });
  return new Promise((resolve) => {
    const end = (): void => resolve(Buffer.concat(chunks).toString().slice(0, most));
    stream.on('data', (chunk: Buffer) => {
      frames.write(chunk);
      if (bytes > most) end();
    });
    stream.on('error', end).on('end', end).on('close', end);
  });
}
