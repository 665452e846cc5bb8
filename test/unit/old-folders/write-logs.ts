// Writes the log file of an earlier minifal with that minifal's own code:
//   node test/unit/old-folders/write-logs.ts CHECKOUT STEP OUT
// CHECKOUT: a working tree of the commit; STEP: its number of steps of the log's schema; OUT: the folder for the
// fixture.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { createLogs } from '../../../emulator/telemetry/logs.ts';
import * as was from './content.ts';

const [checkout = '', step = '', out = ''] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'minifal-old-'));
const file = join(folder, 'logs.db');
const old: { readonly createLogs: typeof createLogs } = await import(
  join(resolve(checkout), 'emulator/telemetry/logs.ts')
);
const logs = old.createLogs({ file, maxBytes: 1e9 });
for (const line of was.lines) logs.append(line);
for (const line of was.placedLines) logs.append(line);
logs.appendException(was.exception);
logs.close();
writeFileSync(
  join(out, `logs-${step}.json.gz`),
  gzipSync(JSON.stringify({ 'logs.db': readFileSync(file).toString('base64') }), { level: 9 }),
);
rmSync(folder, { recursive: true });
