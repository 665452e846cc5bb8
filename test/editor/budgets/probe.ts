import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { bundleProbe } from '../../lab/extension-host.ts';

/** Packages a module as an extension that is active from the window's start on. @returns the package */
export async function packageProbe(folder: string, name: string, entry: string): Promise<string> {
  const cwd = await bundleProbe(folder, entry, {
    ...{ name, files: ['entry.js'], activationEvents: ['onStartupFinished'], main: './entry.js' },
  });
  const packagePath = join(folder, `${name}.vsix`);
  const packing = { dependencies: false, allowMissingRepository: true, skipLicense: true };
  await createVSIX({ cwd, packagePath, ...packing });
  return packagePath;
}
