import * as z from 'zod/mini';
import { logText } from '../../extension/logs/log-text.ts';
import { createPageHost, type LogExport } from '../../extension/logs/page-host.ts';
import { aliasName, nameOfApp } from '../../extension/target/alias-name.ts';
import { askRequestAt } from '../../extension/target/requests-at.ts';
import { t } from '../../extension/words.ts';
import { runIn } from '../connection.ts';
import { type Left, type Mark, markSchema, noFilter, type Place } from '../host.ts';
import type { BrowserLink } from './link.ts';
import type { Session } from './session.ts';
import { createShell, type Shell } from './shell.ts';

/** Of an exported log; a browser keeps it in memory, or in a file of its own. */
const maxExported = 200_000_000;

const marks = z.array(markSchema);

/** What surrounds the page, drawn before the page is signed in. */
export function openShell(app: string | undefined): Shell {
  return createShell(app === undefined ? t('Log') : t('Log of {0}', app));
}

/** The page of the log in a browser. `app`: only of this one, unless the page was left with another filter. */
export function openLogs(session: Session, link: BrowserLink, shell: Shell, app: string | undefined): void {
  let deliver: (value: unknown) => void = () => undefined;
  const [leftKey, marksKey] = [`minifal.left ${location.pathname}`, 'minifal.marks'];
  const first: Left = { filter: { ...noFilter, alias: app ?? null }, isWrapped: false, at: null };
  const problem = (error: unknown): void => shell.say(error instanceof Error ? error.message : String(error));
  const host = createPageHost({
    link,
    appNames: () => {
      const { live, last } = link.snapshot();
      return (alias, appName) => {
        const row = (live ?? last)?.apps.get(alias);
        return row ? nameOfApp(row) : aliasName(alias, appName);
      };
    },
    connect: link.log,
    request: async (id) => {
      const signedIn = session.get();
      return signedIn.state === 'in' ? askRequestAt({ address: location.origin, key: signedIn.token }, id) : undefined;
    },
    post: (message) => deliver(message),
    isVisible: () => true,
    stored: {
      left: { get: () => stored(leftKey) ?? first, set: (left) => store(leftKey, left) },
      marks: {
        get: (): readonly Mark[] => marks.safeParse(stored(marksKey)).data ?? [],
        set: (all) => store(marksKey, all),
      },
    },
    notRunning: () => ({ text: whyNot(session), canStart: false }),
    problem,
    openPlace: async (place) => shell.say(await openInEditor(place)),
    show: async (filter) => host.show(filter, null),
    copy: (text) => navigator.clipboard.writeText(text),
    save: async (log) => shell.say(await save(log)),
    // The page has no button for it.
    startEmulator: async () => undefined,
    leave: async () => undefined,
  });
  shell.setAct((action) => host.send({ type: 'act', action }));
  runIn({
    root: shell.root,
    // As messages between processes: neither side sees the other's objects.
    send: (message) => void host.receive(structuredClone(message)).catch(problem),
    onMessage(listener) {
      deliver = (value) => listener(structuredClone(value));
    },
  });
  session.onChange(() => host.refresh());
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      host.pause();
      link.pause();
    } else {
      link.resume();
      host.resume();
    }
  });
  void import('../logs/page.ts').catch(problem);
}

function whyNot(session: Session): string {
  const { state } = session.get();
  if (state === 'in')
    return t('The emulator is not running. This page continues when "{0}" has started it.', 'minifal start');
  return t('The emulator was started again. Run "{0}" in a terminal: this page continues then.', 'minifal open');
}

async function openInEditor({ file, line, label }: Place): Promise<string> {
  if (!file.startsWith('/')) {
    await navigator.clipboard.writeText(`${file}:${line}`);
    return t('Copied {0}.', label);
  }
  const link = document.createElement('a');
  link.href = `vscode://file${file.split('/').map(encodeURIComponent).join('/')}:${line}`;
  link.click();
  return t('Opened {0} in VS Code.', label);
}

async function save({ rows, namesOf }: LogExport): Promise<string> {
  const parts: Blob[] = [];
  let size = 0;
  for await (const page of rows(new AbortController().signal)) {
    const part = new Blob([logText(page, await namesOf(page))]);
    parts.push(part);
    size += part.size;
    if (size > maxExported) break;
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(parts, { type: 'text/plain' }));
  link.download = 'minifal.log';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return size > maxExported ? t('The first 200 MB of the log were exported.') : t('The log was exported.');
}

function stored(key: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

function store(key: string, value: unknown): void {
  sessionStorage.setItem(key, JSON.stringify(value));
}
