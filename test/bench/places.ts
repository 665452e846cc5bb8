// What it costs a runner to note the places of its lines: CPU time of its process per request that prints 20 lines.
import { createBed } from './bed.ts';
import { median, show } from './stats.ts';

export async function benchPlaces({ calls, pairs }: { readonly calls: number; readonly pairs: number }): Promise<void> {
  const bed = await createBed();
  try {
    await bed.deploy('Printing', 'printing');
    const { ports, authorization } = bed.emulator;
    const headers = { authorization, 'content-type': 'application/json' };
    const call = async (name: string): Promise<string> => {
      const url = `http://127.0.0.1:${ports.run}/${bed.owner}/printing`;
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ name }) });
      const { message }: { message?: string } = JSON.parse(await response.text());
      if (message === undefined) throw new Error('no answer');
      return message;
    };
    /** Of the prints of each call, and of all that the process did per call. */
    const measure = async () => {
      const before = Number(await call('cpu'));
      const prints: number[] = [];
      for (let n = 0; n < calls; n++) prints.push(Number(await call('print')));
      return { prints: median(prints), whole: (Number(await call('cpu')) - before) / calls };
    };
    const withPlaces = async () => {
      const leave = new AbortController();
      const url = `http://127.0.0.1:${ports.api}/minifal/logs/follow?places=1&text=step%209&limit=1`;
      const { body } = await fetch(url, { headers, signal: leave.signal });
      const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
      // The lines of earlier calls may still be on their way, and so may the order to the runner.
      for (let text = ''; !text.includes('"place":{"file"'); ) {
        await call('print');
        text += (await reader?.read())?.value ?? '';
      }
      try {
        return await measure();
      } finally {
        leave.abort();
      }
    };
    await measure();
    const without: Awaited<ReturnType<typeof measure>>[] = [];
    const noted: typeof without = [];
    for (let pair = 0; pair < pairs; pair++) {
      without.push(await measure());
      noted.push(await withPlaces());
    }
    const [before, after] = [without, noted].map((all) => all.map(({ prints }) => prints)) as [number[], number[]];
    const whole = without.map((one) => one.whole);
    const share = (100 * (median(after) - median(before))) / median(whole);
    console.log('CPU of a runner, milliseconds, median (min .. max)');
    console.log(`  20 prints of a request: ${show(before, 3)} without places, ${show(after, 3)} with`);
    console.log(`  the whole request: ${show(whole)}; so places cost ${share.toFixed(1)} % of it (goal: 2 %)`);
  } finally {
    await bed.stop();
  }
}
