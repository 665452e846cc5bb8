import type { Page } from 'playwright-core';
import { z } from 'zod';

/** A task of the window's page: while one runs, the window can't react. */
export interface PageTask {
  readonly ms: number;
  /** Without the time for which it waited for a processor. */
  readonly cpuMs: number;
  /** The part of it that took longest. */
  what(): string;
}

const eventSchema = z.object({
  ph: z.string(),
  name: z.string(),
  pid: z.number(),
  tid: z.number(),
  ts: z.number(),
  dur: z.number().default(0),
  tdur: z.number().default(0),
  args: z
    .object({
      name: z.string().optional(),
      data: z.object({ functionName: z.string().optional(), url: z.string().optional() }).optional(),
    })
    .catch({}),
});
type Event = z.output<typeof eventSchema>;

const isTask = ({ name }: Event) => name.endsWith('RunTask');

/** Follows the tasks of the page from now on. The function that it returns ends that. */
export async function watchTasks(page: Page): Promise<() => Promise<readonly PageTask[]>> {
  const browser = page.context().browser();
  if (!browser) throw new Error('the page has no browser of its own');
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline'] });
  return async () => {
    const text = (await browser.stopTracing()).toString();
    const { traceEvents } = z.object({ traceEvents: z.array(z.unknown()) }).parse(JSON.parse(text));
    return tasksIn(traceEvents.flatMap((one) => eventSchema.safeParse(one).data ?? []));
  };
}

/** The tasks of the busiest main thread of a page: the browser may keep others in reserve. */
function tasksIn(events: readonly Event[]): readonly PageTask[] {
  const threads = events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
  const all = threads.map((thread) =>
    events.filter(({ ph, pid, tid }) => ph === 'X' && pid === thread.pid && tid === thread.tid),
  );
  const [busiest = []] = all.toSorted((a, b) => b.length - a.length);
  return busiest.filter(isTask).map((task) => ({
    ms: task.dur / 1_000,
    cpuMs: task.tdur / 1_000,
    what() {
      const end = task.ts + task.dur;
      const parts = busiest.filter((one) => !isTask(one) && one.ts >= task.ts && one.ts + one.dur <= end);
      const [longest] = parts.toSorted((a, b) => b.dur - a.dur || b.ts - a.ts);
      return longest ? textOf(longest) : 'unknown';
    },
  }));
}

function textOf({ name, args }: Event): string {
  const { functionName = '', url = '' } = args.data ?? {};
  return [name, functionName, url.split('?')[0]?.split('/').at(-1)].filter(Boolean).join(' ');
}
