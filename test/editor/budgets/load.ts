import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FrameLocator, Page } from 'playwright-core';
import type { z } from 'zod';
import { requestPageSchema } from '../../../emulator/wire/live.ts';
import { logPageSchema } from '../../../emulator/wire/log-lines.ts';
import { statusSchema } from '../../../emulator/wire/status.ts';
import { openConnection, requestBytes } from '../../bench/client.ts';
import { startVsCode } from '../../lab/vscode.ts';
import { type Emulator, startEmulator } from '../../support/emulator.ts';
import { call, owner, submit } from '../../support/http.ts';
import { createProject } from '../../support/project.ts';
import { pythonTools } from '../../support/python.ts';
import { until } from '../../support/wait.ts';
import { type FalWindow, openFalWindow } from '../fal-window.ts';
import { makeMachine } from '../machine.ts';
import { takePicture } from '../pictures.ts';
import { type Figure, median } from './figure.ts';
import { watchRows } from './page.ts';
import { watchTasks } from './page-tasks.ts';
import { packageProbe } from './probe.ts';

const perSecond = 500;
const seconds = 15;
const runners = 30;
const connections = 64;
/** Between two requests of `Alarm`, whose row is always on the screen. */
const everyMs = 1_037;
/** The editor puts a change of a tree off that comes so soon after another (extension/views/draw-pace.ts). */
const editorRestMs = 200;

/**
 * `Alarm` prints the time, so that the delay of its line is known. `busy` costs as little as possible, because the
 * machine is to be measured with the editor on it.
 */
const apps = `import asyncio
import time

import fal
from pydantic import BaseModel


class Input(BaseModel):
    number: int


class Alarm(fal.App, keep_alive=600, max_concurrency=1):
    machine_type = "XS"

    @fal.endpoint("/")
    async def ring(self, input: Input) -> Input:
        print(f"alarm {input.number} {time.time() * 1000:.0f}", flush=True)
        await asyncio.sleep(0.5)
        return input


@fal.function(
    exposed_port=8080, keep_alive=600, min_concurrency=${runners}, max_concurrency=${runners}, machine_type="XS"
)
def busy():
    import asyncio

    class Echo(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport, self.held = transport, b""

        def data_received(self, data):
            self.held += data
            while (end := self.held.find(b"\\r\\n\\r\\n")) >= 0:
                head = self.held[:end].lower()
                at = head.find(b"\\r\\ncontent-length:")
                size = int(head[at + 17 :].split(b"\\r\\n", 1)[0]) if at >= 0 else 0
                if len(self.held) < end + 4 + size:
                    return
                body, self.held = self.held[end + 4 : end + 4 + size], self.held[end + 4 + size :]
                print("busy", body.decode(), flush=True)
                answer = b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: %d\\r\\n\\r\\n"
                self.transport.write(answer % size + body)
                if b"\\r\\nconnection: close" in head:
                    self.transport.close()
                    return

    async def serve():
        server = await asyncio.get_running_loop().create_server(Echo, "0.0.0.0", 8080, backlog=512)
        await server.serve_forever()

    asyncio.run(serve())
`;

/** ${runners} runners and ${perSecond} requests a second, while a window shows Apps, Requests and the log. */
export async function load(vsix: string): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'minifal-measure-'));
  const pauses = join(folder, 'pauses');
  const probe = await packageProbe(folder, 'pauses', join(import.meta.dirname, '..', 'host', 'pause-probe.ts'));
  const machine = await makeMachine({ folder: 'empty', env: { MEASURED_PAUSES: pauses } });
  const emulator = await startEmulator({ dataDir: machine.dataDir, args: ['--max-runners', `${runners + 1}`] });
  const vscode = await startVsCode({ ...machine.options, vsix: [vsix, probe] });
  try {
    await writeFile(join(machine.workspace, 'apps.py'), apps);
    const project = await createProject(await pythonTools(), emulator, {});
    for (const name of ['Alarm', 'busy']) {
      await project.falIn(machine.workspace, 'deploy', `apps.py::${name}`, '--app-name', name.toLowerCase());
    }
    await project.remove();
    const window = await openFalWindow(await vscode.page());
    await window.showApps();
    // The list below has something to choose from then.
    await window.row(/^busy /);
    await window.workbench.command('fal: Show Log', 'Everything');
    const pane = window.workbench.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
    return await underLoad(window, pane, emulator, pauses).catch(async (error) => {
      await takePicture(window.workbench, 'load-failed');
      throw error;
    });
  } finally {
    await vscode.close();
    await emulator.stop();
    await machine.remove();
    await rm(folder, { recursive: true });
  }
}

async function underLoad(
  window: FalWindow,
  pane: FrameLocator,
  emulator: Emulator,
  pausesFile: string,
): Promise<readonly Figure[]> {
  const { page } = window.workbench;
  const send = await sender(emulator);
  await send('alarm', { number: 0 });
  const now = () => ask(emulator, '/minifal/status', statusSchema);
  await until(
    'all runners are up',
    async () => (await now()).runners.filter(({ state }) => state === 'IDLE').length > runners,
    { timeoutMs: 120_000 },
  );
  console.log('  all runners are up');
  await pane.getByText('alarm 0').first().waitFor();
  const rows = await watchRows(page);
  const lines = await watchLines(pane);

  const cpu = await watchCpu(page);
  const tasks = await watchTasks(page);
  const began = Date.now();
  const sent: number[] = [];
  /** When each was accepted: until then it has to wait for the disk, and no row can have it. */
  const accepted: number[] = [];
  const ringing = (async () => {
    for (let number = 1; number < seconds; number++) {
      // At any point of the times at which the emulator and the views group changes.
      await sleep(Math.max(0, began + everyMs * number - Date.now()));
      sent.push(Date.now());
      await send('alarm', { number });
      accepted.push(Date.now());
    }
  })();
  const count = await work(emulator);
  await ringing;
  const ended = Date.now();
  const pageCpu = await cpu();
  const pageTasks = await tasks();
  await takePicture(window.workbench, 'load');
  await until(
    'all requests are done',
    async () => {
      const { runners: all, waiting } = await now();
      return waiting.length === 0 && all.every(({ requests }) => requests.length === 0);
    },
    { timeoutMs: 120_000 },
  );
  const newest = (await ask(emulator, '/minifal/requests', requestPageSchema)).requests.slice(0, 5);
  await until('the newest requests are shown', async () => {
    const text = (await rows()).at(-1)?.[1] ?? '';
    return newest.every(({ number }) => text.includes(`#${number} POST`));
  });
  await until('the last line is shown', async () => (await lines()).last === count);

  // The pane has each line, whether it drew it or passed it.
  await pane.getByRole('textbox').first().fill('alarm');
  await until('the pane has all lines of Alarm', async () => {
    const text = (await pane.locator('.space').textContent()) ?? '';
    return [...sent.keys()].every((index) => new RegExp(`alarm ${index + 1} \\d`).test(text));
  });

  const rowDelays: number[] = [];
  const acceptedDelays: number[] = [];
  const texts = await rows();
  const isBusy = (text: string | undefined) => text !== undefined && /^Alarm.*busy/m.test(text);
  const changes = texts.filter(([, text], index) => isBusy(text) && !isBusy(texts[index - 1]?.[1]));
  for (const [index, at] of sent.entries()) {
    const first = changes.find(([drawn]) => drawn >= at);
    // Later than its request, it is the row of the next one.
    if (!first || first[0] >= at + everyMs) continue;
    rowDelays.push(first[0] - at);
    acceptedDelays.push(Math.max(0, first[0] - (accepted[index] ?? at)));
  }
  const lineDelays = delaysOf(await printed(emulator), (await lines()).reached);
  const during = <T extends readonly [number, ...number[]]>(all: readonly T[]) =>
    all.filter(([at]) => at > began && at < ended);
  const host = during(
    (await readFile(pausesFile, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number) as [number, number, number]),
  );
  const hostPauses = host.map(([, pause]) => pause);
  const hostCpu = (host.at(-1)?.[2] ?? 0) - (host[0]?.[2] ?? 0);
  const longTasks = pageTasks.filter(({ ms }) => ms >= 50);
  const rate = (count * 1_000) / (ended - began);
  const list = (values: readonly number[]) => values.map(Math.round).join(', ');
  console.log(`  ${count} requests, ${rate.toFixed(0)} a second; ${texts.length} times other rows`);
  const aSecond = (ms: number) => (ms / ((ended - began) / 1_000)).toFixed(0);
  console.log(`  CPU a second: page ${aSecond(pageCpu)} ms, extension host ${aSecond(hostCpu)} ms`);
  console.log(`  requests on the disk after ${list(accepted.map((at, index) => at - (sent[index] ?? at)))} ms`);
  console.log(`  rows after ${list(rowDelays)} ms`);
  console.log(`  lines after ${list(lineDelays)} ms`);
  console.log(`  pauses of the extension host, in each half second: ${list(hostPauses)} ms`);
  console.log('  tasks of the page of 50 ms and more:');
  for (const { ms, cpuMs, what } of longTasks)
    console.log(`    ${ms.toFixed(0)} ms, of which it had a processor for ${cpuMs.toFixed(0)}: ${what()}`);
  const figure = (what: string, value: number, budget: number, unit: Figure['unit'] = 'ms'): Figure => ({
    ...{ what: `${perSecond} requests/s: ${what}`, value, budget, unit },
  });
  return [
    figure('requests that were not sent in time, %', Math.max(0, 100 - (100 * rate) / perSecond), 5, ''),
    figure('request to its row, median', median(rowDelays), 200),
    figure(
      'accepted request to its row, worst: 200 ms of the editor, and ours',
      Math.max(...acceptedDelays),
      200 + editorRestMs,
    ),
    figure('line to the log pane, median', median(lineDelays), 200),
    figure('line to the log pane, worst', Math.max(...lineDelays), 200),
    figure(
      'requests without a row, lines that were not shown',
      2 * sent.length - rowDelays.length - lineDelays.length,
      0,
      '',
    ),
    figure('longest pause of the extension host', Math.max(...hostPauses), 100),
    figure('longest task of the page', Math.max(...pageTasks.map(({ ms }) => ms)), 100),
    figure(
      'longest task of the page, without waiting for a processor',
      Math.max(...pageTasks.map(({ cpuMs }) => cpuMs)),
      100,
    ),
  ];
}

async function ask<T>(emulator: Emulator, path: string, schema: z.ZodType<T>): Promise<T> {
  const answer = await call(emulator, 'api', path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return schema.parse(await answer.json());
}

/** Submits a request; resolves with its id. */
async function sender(emulator: Emulator): Promise<(app: string, body: object) => Promise<string>> {
  const user = await owner(emulator);
  return async (app, body) => {
    const id = await submit(emulator, `${user}/${app}`, body);
    if (id === undefined) throw new Error(`a request of ${app} was not accepted`);
    return id;
  };
}

/** Submits requests at the rate, with little work for this process. @returns their number */
async function work(emulator: Emulator): Promise<number> {
  const port = emulator.ports.queue;
  const path = `/${await owner(emulator)}/busy`;
  const began = performance.now();
  let next = 1;
  const all = Array.from({ length: connections }, async () => {
    const connection = await openConnection(port);
    for (let number = next++; number <= perSecond * seconds; number = next++) {
      await sleep(Math.max(0, began + (number * 1_000) / perSecond - performance.now()));
      const request = requestBytes('POST', path, { authorization: emulator.authorization }, { number })(port);
      const { status, body } = await connection.exchange(request);
      if (status !== 200) throw new Error(`not accepted: ${status} ${body}`);
    }
    connection.close();
  });
  await Promise.all(all);
  return perSecond * seconds;
}

/** The CPU time of the window's page from now on, in milliseconds. */
async function watchCpu(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const soFar = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1_000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN);
  };
  const before = await soFar();
  return async () => (await soFar()) - before;
}

/** Lines of `Alarm`, but the first, which is older than the load: when each was printed, and its place in the log. */
async function printed(emulator: Emulator): Promise<readonly (readonly [number, number])[]> {
  const { lines } = await ask(emulator, '/minifal/logs?text=alarm&limit=100', logPageSchema);
  return lines.flatMap(({ seq, message }) => {
    const [, number, at] = /^alarm (\d+) (\d+)/.exec(message) ?? [];
    return number === undefined || number === '0' ? [] : [[Number(at), seq] as const];
  });
}

/**
 * From the print of each line to the moment at which the pane has it: it is drawn, or one after it is. The pane follows
 * the log, so of rows that come together it draws the newest screen.
 */
function delaysOf(all: readonly (readonly [number, number])[], reached: Lines['reached']): readonly number[] {
  return all.flatMap(([at, seq]) => {
    const first = reached.find(([, drawn]) => drawn >= seq);
    return first ? [first[0] - at] : [];
  });
}

interface Lines {
  /** When the pane drew a newer row than before, and the place of that row in the log. */
  readonly reached: readonly (readonly [number, number])[];
  /** The number of the last line of `busy` on the screen. */
  readonly last: number;
}

async function watchLines(pane: FrameLocator): Promise<() => Promise<Lines>> {
  const list = pane.locator('.list');
  await list.evaluate(`(() => {
    const reached = [];
    let last = 0;
    let newest = 0;
    new MutationObserver((changes) => {
      let drawn = newest;
      for (const { addedNodes } of changes) for (const node of addedNodes) {
        last = Math.max(last, Number(/busy \\D*(\\d+)/.exec(node.textContent)?.[1] ?? 0));
        drawn = Math.max(drawn, Number(/^row (\\d+)$/.exec(node.dataset?.key)?.[1] ?? 0));
      }
      if (drawn > newest) reached.push([Date.now(), drawn]);
      newest = drawn;
    }).observe(document.querySelector('.space'), { childList: true });
    window.seenLines = () => ({ reached, last });
  })()`);
  return () => list.evaluate('window.seenLines()');
}
