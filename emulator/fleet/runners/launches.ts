import { readFile } from 'node:fs/promises';
import { sdkReleaseIn } from '../../builds/sdk-release.ts';
import type { Builds, ContextFile, EnvironmentDefinition } from '../../builds/types.ts';
import type { AppFiles } from '../../catalog/files/app-files.ts';
import { firstMachineType } from '../../catalog/machine-types.ts';
import type { Blobs, Catalog, FileRef, Revision } from '../../catalog/types.ts';
import type { Callable } from '../../engines/engine.ts';
import { UserError } from '../../wire/errors.ts';
import type { Launch } from '../types.ts';

/** Looks up the bytes of synced app files. */
export type AppFileSource = Pick<AppFiles, 'find'>;

interface LaunchRooms {
  readonly catalog: Catalog;
  readonly blobs: Blobs;
  readonly appFiles: AppFileSource;
  readonly builds: Builds;
}

const deployAgain = 'Deploy the app again: the CLI sends what is missing.';

/**
 * Resolves a stored revision into everything a runner needs to start, also after a restart of the emulator. The
 * environment comes from the build cache or is built again. Rejects with a UserError when that fails.
 */
export function createLaunches({ catalog, blobs, appFiles, builds }: LaunchRooms) {
  return async (revisionId: string): Promise<Launch> => {
    const revision = catalog.revision(revisionId);
    if (revision === undefined)
      throw new UserError('REVISION_UNKNOWN', `There is no revision ${revisionId}.`, deployAgain);
    const callable = callableFrom(revision.callable, blobs);
    const sdk = await sdkReleaseOf([callable]);
    const files = resolveFiles(revision.files, appFiles);
    const built = await builds.build({ ...definitionOf(revision, files), ...sdk }, () => {});
    if (built.kind === 'failed') {
      throw new UserError(
        'BUILD_FAILED',
        `The environment could not be built: ${built.reason}`,
        'Change the requirements and deploy again.',
      );
    }
    return {
      environment: built.environment,
      callable,
      mode: 'serve',
      declaredPort: revision.exposedPort,
      ...(revision.metricsPort === undefined ? {} : { metricsPort: revision.metricsPort }),
      appFiles: files,
      secretNames: revision.secretNames,
      environmentName: revision.environmentName,
      machineType: machineTypeNow(revision, catalog),
      ...(built.cached ? {} : { isBuilt: true }),
    };
  };
}

/** `force` applies to a single build; it isn't a property of the revision. */
function definitionOf(revision: Revision, files: readonly ContextFile[]): EnvironmentDefinition {
  const stored = revision.environments[0];
  if (stored === undefined) throw new UserError('ENVIRONMENT_MISSING', 'The revision has no environment.', deployAgain);
  const { kind, configuration } = stored;
  const context = kind === 'container' ? { files } : {};
  return { kind, configuration, force: false, secretsOf: revision.environmentName, ...context };
}

/** Converts the stored callable to the form that the engine accepts. */
export function callableFrom(callable: Revision['callable'], blobs: Blobs): Callable {
  if (callable.kind !== 'pickle') return callable;
  if (!blobs.has(callable.blob))
    throw new UserError('FUNCTION_MISSING', 'The stored function of this revision is missing.', deployAgain);
  return { kind: 'pickle', method: callable.method, file: blobs.path(callable.blob) };
}

/** The SDK release that one of the callables embeds as a whole, for the definition of their environment. */
export async function sdkReleaseOf(callables: readonly (Callable | undefined)[]): Promise<{ readonly sdk?: string }> {
  for (const callable of callables) {
    const sdk = callable?.kind === 'pickle' ? sdkReleaseIn(await readFile(callable.file)) : undefined;
    if (sdk !== undefined) return { sdk };
  }
  return {};
}

/** Finds the uploaded bytes of each file; the error names every missing file. */
export function resolveFiles(files: readonly FileRef[], appFiles: AppFileSource): readonly ContextFile[] {
  const found: ContextFile[] = [];
  const missing: string[] = [];
  for (const { hash, relativePath } of files) {
    const file = appFiles.find(hash);
    if (file === undefined) missing.push(relativePath);
    else found.push({ hash, relativePath, source: file.path, mode: file.mode });
  }
  if (missing.length > 0)
    throw new UserError('APP_FILES_MISSING', `These app files were not uploaded: ${missing.join(', ')}.`, deployAgain);
  return found;
}

/** UpdateApplication may have set other machine types for the active revision. */
function machineTypeNow(revision: Revision, catalog: Catalog): string {
  const alias = catalog.alias(revision.alias);
  const types = alias?.revision === revision.id ? alias.machineTypes : revision.machineTypes;
  return firstMachineType(types);
}
