import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../wire/errors.ts';

/** By the names that the container engine has for processors. */
const processors: { readonly [name: string]: string } = {
  amd64: 'x64',
  x86_64: 'x64',
  arm64: 'arm64',
  aarch64: 'arm64',
};

/** Whether there is a first process for images of this architecture. */
export const hasFirstProcess = (architecture: string): boolean => processors[architecture] !== undefined;

/**
 * The program that is the first process of containers (runner/first/forward.c), for images of this architecture. It is
 * copied to the tools of the data folder, because packages of the extension don't keep that a file is a program.
 * @throws UserError
 */
export function firstProcess(runnerSources: string, architecture: string, tools: string): string {
  const processor = processors[architecture];
  const source = join(runnerSources, 'first', `forward-${processor}`);
  if (processor === undefined || !existsSync(source)) {
    throw new UserError(
      'CONTAINER_PROGRAM_MISSING',
      `minifal has no program for containers with the processor architecture ${architecture}.`,
      processor === undefined
        ? 'Build the image for x86-64 or ARM64: add `--platform=linux/amd64` to its FROM lines.'
        : 'Install minifal again: a part of it is missing.',
    );
  }
  const bytes = readFileSync(source);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const target = join(tools, `forward-${hash}`);
  if (statSync(target, { throwIfNoEntry: false })?.size === bytes.length) return target;
  mkdirSync(tools, { recursive: true });
  const temporary = `${target}.${process.pid}.tmp`;
  writeFileSync(temporary, bytes);
  // Whatever this process's umask is: the image may have another user.
  chmodSync(temporary, 0o755);
  renameSync(temporary, target);
  return target;
}
