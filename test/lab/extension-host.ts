import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { startVsCode, type VsCodeOptions } from './vscode.ts';

export interface HostOptions extends Omit<VsCodeOptions, 'driver'> {
  /**
   * A module that exports `run()`: it runs inside the extension host, with the real `vscode`, and returns plain data.
   */
  readonly entry: string;
  readonly timeoutMs?: number;
}

const wrapper = (factsFile: string) => `
const { writeFileSync } = require('node:fs');
exports.run = async () => {
  try {
    writeFileSync(${JSON.stringify(factsFile)}, JSON.stringify({ facts: await require('./entry.js').run() }));
  } catch (error) {
    writeFileSync(${JSON.stringify(factsFile)}, JSON.stringify({ error: String(error && error.stack || error) }));
    throw error;
  }
};
`;

/**
 * Makes a small extension of a module, as `probe` in a folder; its bundle is `entry.js`. `manifest`: further fields.
 */
export async function bundleProbe(folder: string, entry: string, manifest: object = {}): Promise<string> {
  const extension = join(folder, 'probe');
  await mkdir(extension);
  await writeFile(
    join(extension, 'package.json'),
    JSON.stringify({
      ...{ name: 'probe', publisher: 'minifal-test', version: '0.0.1', engines: { vscode: '^1.90.0' } },
      ...manifest,
    }),
  );
  await build({
    entryPoints: [entry],
    outfile: join(extension, 'entry.js'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['vscode'],
    logLevel: 'silent',
  });
  return extension;
}

/** Runs a module in the extension host of a real VS Code with the packages installed; resolves with its result. */
export async function inExtensionHost(options: HostOptions): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'minifal-host-'));
  const factsFile = join(folder, 'facts.json');
  const extension = await bundleProbe(folder, options.entry);
  await writeFile(join(extension, 'index.js'), wrapper(factsFile));

  const vscode = await startVsCode({ ...options, driver: true });
  try {
    const page = await vscode.page('about:blank');
    const lines: string[] = [];
    const ended = new Promise<number>((resolve) => {
      void page.exposeFunction('codeAutomationExit', resolve);
    });
    await page.exposeFunction('codeAutomationLog', (_type: string, args: readonly unknown[]) =>
      lines.push(args.join(' ')),
    );
    const remote = (path: string) => `vscode-remote://127.0.0.1:${vscode.port}${path}`;
    const payload = [
      ['extensionDevelopmentPath', remote(extension)],
      ['extensionTestsPath', remote(join(extension, 'index.js'))],
      ['skipWelcome', 'true'],
    ];
    await page.goto(`${vscode.url}&payload=${encodeURIComponent(JSON.stringify(payload))}`);
    const timeoutMs = options.timeoutMs ?? 120_000;
    const code = await Promise.race([ended, after(timeoutMs)]);
    const outcome = await readFacts(factsFile);
    if (code === 0 && outcome.error === undefined) return outcome.facts;
    throw new Error(
      outcome.error ??
        `the extension host ended with ${code ?? 'nothing'} within ${timeoutMs} ms:\n${lines.join('\n')}`,
    );
  } finally {
    await vscode.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => void setTimeout(resolve, ms, undefined).unref());
}

async function readFacts(file: string): Promise<{ facts?: unknown; error?: string }> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return {};
  }
}
