/**
 * Makes the wire descriptor from the protos that the SDK itself ships (isolate_proto and isolate, pinned): nothing is
 * copied by hand, so the protocol is always the SDK's. The result is git-ignored and read at run time without network.
 *
 * node scripts/protos.ts      quick when the descriptor is there and of the pinned versions
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import protobuf from 'protobufjs';

const versions = { isolate_proto: '0.34.5', isolate: '0.26.12' } as const;
const root = dirname(import.meta.dirname);
const target = join(root, 'emulator/wire/generated/controller.json');

/** Where each proto is inside the wheels; they import each other by bare file name. */
const protos: { readonly [name: string]: string } = {
  'controller.proto': 'isolate_proto/controller.proto',
  'common.proto': 'isolate/connections/grpc/definitions/common.proto',
  'server.proto': 'isolate/server/definitions/server.proto',
};

if (upToDate()) process.exit(0);
const folder = mkdtempSync(join(tmpdir(), 'minifal-protos-'));
try {
  unpackWheels(folder);
  const descriptor = describe(folder);
  mkdirSync(dirname(target), { recursive: true });
  // Renamed into place, so that a second process never reads a partial file.
  const scratch = `${target}.${process.pid}`;
  writeFileSync(scratch, `${JSON.stringify({ versions, descriptor })}\n`);
  renameSync(scratch, target);
  console.log(`protos: wrote ${target}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function upToDate(): boolean {
  if (!existsSync(target)) return false;
  const stored: unknown = JSON.parse(readFileSync(target, 'utf8'));
  if (typeof stored !== 'object' || stored === null || !('versions' in stored)) return false;
  return JSON.stringify(stored.versions) === JSON.stringify(versions);
}

/** Unpacks the pinned wheels with the first available installer. */
function unpackWheels(into: string): void {
  const packages = Object.entries(versions).map(([name, version]) => `${name}==${version}`);
  const uv = ['uv', join(root, '.tools/uv'), join(root, '.tools/bin/uv')];
  const attempts: readonly (readonly [string, readonly string[]])[] = [
    ...uv.map(
      (program) => [program, ['pip', 'install', '--quiet', '--no-deps', '--target', into, ...packages]] as const,
    ),
    [
      'python3',
      // biome-ignore format: one command line
      ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:',
        '--target', into, ...packages],
    ],
  ];
  const failures: string[] = [];
  for (const [program, args] of attempts) {
    if (!onPath(program)) continue;
    try {
      execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      return;
    } catch (error) {
      failures.push(`${basename(program)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(
    failures.length === 0
      ? 'Neither uv nor python3 is on the PATH; one of them is required to download the SDK protos.'
      : `The packages ${packages.join(', ')} could not be downloaded.\n${failures.join('\n')}`,
  );
}

function onPath(program: string): boolean {
  if (program.includes('/')) return existsSync(program);
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** Parses the three protos and what they import into one JSON descriptor; field names stay as written. */
function describe(wheels: string): protobuf.INamespace {
  const parsed = new protobuf.Root();
  const resolve = parsed.resolvePath.bind(parsed);
  parsed.resolvePath = (origin, wanted) => {
    const path = protos[basename(wanted)];
    return path === undefined ? resolve(origin, wanted) : join(wheels, path);
  };
  parsed.loadSync(['controller.proto'], { keepCase: true });
  return parsed.resolveAll().toJSON();
}
