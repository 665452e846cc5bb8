import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { mustRun, start } from '../support/process.ts';
import { until } from '../support/wait.ts';
import { chromiumFlags, installLab, type Lab } from './install.ts';

export type Settings = { readonly [name: string]: unknown };

export interface VsCodeOptions {
  /** Packages to install, as a user would. */
  readonly vsix?: readonly string[];
  /** Folder or `.code-workspace` file that windows open; `undefined`: windows without a folder. */
  readonly workspace?: string | undefined;
  /** Added to the quiet defaults. They reach every scope, so settings of the machine are among them. */
  readonly settings?: Settings;
  /** `true`: tests inside the extension host are possible, and there are no toasts (VS Code's rule). */
  readonly driver?: boolean;
  /** `ask`: folders are restricted until a person trusts them. Default: everything is trusted. */
  readonly trust?: 'all' | 'ask';
  /** The display language. Absent: English. The editor's own texts stay English; those of extensions are looked up. */
  readonly language?: string;
  /** A folder that is a separate disk for the server and its child processes, with room for only one small file. */
  readonly fullDisk?: string;
  /**
   * Added to the server's environment, which the extension host and terminals inherit. HOME is an empty folder unless
   * given here.
   */
  readonly env?: NodeJS.ProcessEnv;
}

export interface VsCode {
  /** Address of a window on the workspace. */
  readonly url: string;
  readonly port: number;
  /** The server's data: settings, logs. */
  readonly dataDir: string;
  /** Where the packages are unpacked. */
  readonly extensionsDir: string;
  readonly pid: number;
  /**
   * From the next load of a window on, the secrets of extensions outlive the window. Before that, a window keeps them
   * in memory, like an editor without a keychain: VS Code seals secrets with a key from its server, and this server
   * provides none.
   */
  rememberSecrets(): Promise<void>;
  /** Replaces the settings from the start; open windows notice automatically. */
  changeSettings(settings: Settings): Promise<void>;
  /** Opens a new window on the workspace (or on another address of this server). */
  page(url?: string): Promise<Page>;
  close(): Promise<void>;
}

const quiet: Settings = {
  'chat.disableAIFeatures': true,
  'chat.agentHost.enabled': false,
  'workbench.reduceMotion': 'on',
  'workbench.startupEditor': 'none',
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'terminal.integrated.initialHint': false,
  'terminal.integrated.defaultProfile.linux': 'bash',
  // Shows the list of terminals even for a single terminal.
  'terminal.integrated.tabs.hideCondition': 'never',
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'remote.autoForwardPorts': false,
  // Otherwise the extension host searches all processes for open ports every few seconds, which a local one doesn't.
  'remote.autoForwardPortsSource': 'output',
  'security.workspace.trust.startupPrompt': 'never',
  'git.enabled': false,
};

/** Starts a real VS Code with a profile of its own and a browser for its windows; installs both on first use. */
export async function startVsCode(options: VsCodeOptions = {}): Promise<VsCode> {
  const lab = await installLab();
  const folder = await mkdtemp(join(tmpdir(), 'minifal-vscode-'));
  const [dataDir, extensionsDir, home] = ['server', 'extensions', 'home'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(extensionsDir, { recursive: true });
  await mkdir(home, { recursive: true });
  await writeSettings(dataDir, { ...quiet, ...options.settings });
  const env = serverEnvironment(home, options.env);
  for (const file of options.vsix ?? []) {
    const args = [...common(lab, dataDir, extensionsDir), '--install-extension', file, '--force'];
    await mustRun(lab.node, args, { env });
  }

  const [command, ...before] = options.fullDisk === undefined ? [] : onFullDisk(options.fullDisk);
  const server = start(
    command ?? lab.node,
    [
      ...before,
      ...(command ? [lab.node] : []),
      ...common(lab, dataDir, extensionsDir),
      ...['--host', '127.0.0.1', '--port', '0', '--without-connection-token', '--disable-telemetry'],
      // Without this, the extension host of a crashed browser would keep running for three hours.
      ...['--reconnection-grace-time', '5'],
      ...(options.driver ? ['--enable-smoke-test-driver'] : []),
      ...(options.trust === 'ask' ? [] : ['--disable-workspace-trust']),
    ],
    { env },
  );
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    server.signal('SIGTERM');
    const giveUp = setTimeout(() => server.signal('SIGKILL'), 10_000);
    await server.finished;
    clearTimeout(giveUp);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const port = await until('VS Code listens', () => listeningPort(server), { timeoutMs: 60_000 });
    browser = await chromium.launch({ executablePath: lab.chromium, args: chromiumFlags });
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const kind = options.workspace?.endsWith('.code-workspace') ? 'workspace' : 'folder';
    const query = options.workspace === undefined ? 'ew=true' : `${kind}=${encodeURIComponent(options.workspace)}`;
    const url = `http://127.0.0.1:${port}/?${query}`;
    return {
      url,
      port,
      dataDir,
      extensionsDir,
      pid: server.pid ?? 0,
      changeSettings: (settings) => writeSettings(dataDir, { ...quiet, ...settings }),
      async rememberSecrets() {
        await context.route(
          ({ pathname }) => pathname.endsWith('/mint-key'),
          (route) => route.fulfill({ body: Buffer.alloc(32, 7) }),
        );
      },
      async page(address = url) {
        const page = await context.newPage();
        // What a language pack does.
        if (options.language !== undefined)
          await page.addInitScript(`globalThis._VSCODE_NLS_LANGUAGE = ${JSON.stringify(options.language)}`);
        // The default of 30 s is not enough for a first start on a busy machine.
        await page.goto(address, { timeout: 120_000 });
        return page;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** In a mount namespace: no other process sees the disk, and it disappears with the last process that uses it. */
function onFullDisk(folder: string): string[] {
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const mount = 'mount -t tmpfs -o size=4k tmpfs "$0" && exec "$@"';
  return ['unshare', ...asRoot, '--mount', 'sh', '-c', mount, folder];
}

function common(lab: Lab, dataDir: string, extensionsDir: string): string[] {
  return [
    lab.server,
    '--accept-server-license-terms',
    ...['--server-data-dir', dataDir, '--extensions-dir', extensionsDir],
  ];
}

/** Settings of the user don't reach machine scope in a window on a server; those of the machine do. */
async function writeSettings(dataDir: string, settings: Settings): Promise<void> {
  for (const scope of ['User', 'Machine']) {
    await mkdir(join(dataDir, 'data', scope), { recursive: true });
    await writeFile(join(dataDir, 'data', scope, 'settings.json'), JSON.stringify(settings, null, 2));
  }
}

/** The user's environment without variables that concern fal or the test run. */
function serverEnvironment(home: string, extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(FAL_|MINIFAL_|VSCODE_|VITEST)/.test(name));
  return {
    ...Object.fromEntries(inherited),
    HOME: home,
    // Keeps downloaded packages.
    UV_CACHE_DIR: process.env.UV_CACHE_DIR ?? join(homedir(), '.cache', 'uv'),
    ...extra,
  };
}

function listeningPort(server: ReturnType<typeof start>): number | undefined {
  const port = /^Server bound to .*?:(\d+)/m.exec(server.output())?.[1];
  return port === undefined ? undefined : Number(port);
}
