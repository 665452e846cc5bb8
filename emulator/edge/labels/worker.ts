// The thread of labels.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { listenForLabels } from './server.ts';

const { token } = z.object({ token: z.string() }).parse(workerData);
const { port } = await listenForLabels(token);
parentPort?.postMessage(port);
