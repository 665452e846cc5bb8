// `npm start`: makes the clone ready, then runs the demo (scripts/demo.ts) under the right Node.
import { spawn } from 'node:child_process';
import { bootstrap, root } from './bootstrap.mjs';

const { node } = await bootstrap();
const demo = spawn(node, ['scripts/demo.ts', ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
});
// Ctrl-C also reaches the demo, which stops the emulator; this process then ends with it.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => demo.kill(signal));
demo.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
