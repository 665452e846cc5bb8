/**
 * `node scripts/forward.ts [--check]`: compiles the first process of containers (emulator/runner/first/forward.c) for
 * both kinds of processors, static, so that it runs in any image. The programs are in the repository, because nobody
 * who uses or builds minifal should need a compiler; `--check` fails if they aren't what the source gives.
 *
 * The compiler is zig's C compiler from PyPI in a fixed version, which brings the C library for every target: the same
 * source gives the same bytes on every machine. uv keeps it in its cache.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureUv } from '../emulator/local/uv/uv.ts';

const compiler = 'ziglang==0.13.0';
/** By the names that Node has for processors. */
const targets = { x64: 'x86_64-linux-musl', arm64: 'aarch64-linux-musl' } as const;

const root = join(import.meta.dirname, '..');
const folder = join(root, 'emulator/runner/first');
const uv = await ensureUv({ toolsDir: join(root, 'test/.cache/tools') });
const temporary = mkdtempSync(join(tmpdir(), 'minifal-forward-'));
try {
  for (const [processor, target] of Object.entries(targets)) {
    const made = join(temporary, processor);
    const options = ['-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror', '-o', made, join(folder, 'forward.c')];
    const zig = ['run', '--no-project', '--with', compiler, 'python', '-m', 'ziglang'];
    execFileSync(uv, [...zig, 'cc', '-target', target, ...options], { cwd: temporary, stdio: 'inherit' });
    keep(`forward-${processor}`, readFileSync(made));
  }
} finally {
  rmSync(temporary, { recursive: true });
}

function keep(name: string, bytes: Buffer): void {
  const file = join(folder, name);
  if (!process.argv.includes('--check')) writeFileSync(file, bytes, { mode: 0o755 });
  else if (!readFileSync(file).equals(bytes))
    throw new Error(`${name} is not what forward.c gives. Next step: node scripts/forward.ts`);
  console.log(`${name}: ${bytes.length} bytes`);
}
