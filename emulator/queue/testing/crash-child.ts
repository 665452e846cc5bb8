import { mainMigrations } from '../../migrations.ts';
import { openStore } from '../../store/open.ts';
import { createQueue } from '../queue.ts';
import { testRequest, testResponse } from './requests.ts';

/**
 * A process for durability.test.ts to kill: it submits, begins and completes requests in an endless loop, and prints
 * each promise of the queue ("submitted ID", "completed ID") after the queue made it.
 */
const [, , file = '', run = ''] = process.argv;
const store = openStore(file, { migrations: mainMigrations, synchronous: 'FULL' });
const queue = createQueue({ store, clock: Date.now });
const print = (word: string, id: string) => process.stdout.write(`${word} ${id}\n`);

async function worker(number: number): Promise<void> {
  for (let n = 0; ; n++) {
    const id = `${run}-${number}-${n}`;
    await queue.submit(testRequest(id, { body: Buffer.alloc(3_000, id), storeIo: n % 3 > 0 }));
    print('submitted', id);
    queue.begin(id, { attemptId: id, runnerId: 'r', at: Date.now() });
    if (n % 4 === 0) queue.requeue(id);
    if (n % 2 === 0) continue;
    if (await queue.complete(id, testResponse(`result of ${id}`), Date.now())) print('completed', id);
    if (await queue.complete(id, testResponse('second'), Date.now())) print('completed', id);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, number) => worker(number)));
