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
    const perCall = async (): Promise<number> => {
      const before = Number(await call('cpu'));
      for (let n = 0; n < calls; n++) if ((await call('print')) !== 'printed') throw new Error('a wrong answer');
      return (Number(await call('cpu')) - before) / calls;
    };
    const withPlaces = async (): Promise<number> => {
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
        return await perCall();
      } finally {
        leave.abort();
      }
    };
    await perCall();
    const without: number[] = [];
    const noted: number[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      without.push(await perCall());
      noted.push(await withPlaces());
    }
    const more = noted.map((ms, at) => ms - (without[at] ?? 0));
    const share = (100 * median(more)) / median(without);
    console.log(
      `CPU of the runner per request with 20 lines: ${show(without)} ms without places, ${show(noted)} ms with`,
    );
    console.log(`  difference of each pair ${show(more, 3)} ms; ${share.toFixed(1)} % (goal: 2 %)`);
  } finally {
    await bed.stop();
  }
}
