import { describe, expect, it } from 'vitest';
import { checkPython } from './check.ts';

const head =
  'import asyncio\nimport fal\nimport fastapi\nimport os\nimport time\nfrom fastapi import Depends, Header\n';
const codes = (text: string) =>
  checkPython(`${head}${text}`).map(({ code, from }) => [code, text.slice(from - head.length)]);
const method = (lines: string, settings = 'keep_alive = 60') => `class A(fal.App):\n    ${settings}\n    ${lines}\n`;
const setup = (settings: string, module: string) => method(`def setup(self):\n        import ${module}`, settings);

describe('programs that are right, reduced from what people publish', () => {
  it.each<[string, string]>([
    [
      'a header and a dependency without types',
      method('@fal.endpoint("/")\n    def a(self, token=Header(default=None), user=fastapi.Depends(who)) -> None: ...'),
    ],
    [
      'a parameter of the path',
      method('@fal.endpoint("/items/{item_id}/{rest:path}")\n    def a(self, item_id, rest) -> None: ...'),
    ],
    [
      'a parameter that is called like a module that blocks',
      method('@fal.endpoint("/")\n    async def a(self, requests: dict) -> None:\n        requests.get("x")'),
    ],
    [
      'a variable that is called like a module that blocks',
      method('@fal.endpoint("/")\n    async def a(self) -> None:\n        time = self.clock\n        time.sleep(1)'),
    ],
    [
      'variables of loops, with and := that are called like modules that block',
      method(
        '@fal.endpoint("/")\n    async def a(self) -> None:\n        for os, _ in b:\n            os.system("x")\n' +
          '        with c as time:\n            time.sleep(1)\n' +
          '        if (subprocess := d):\n            subprocess.run()',
      ),
    ],
    [
      'a name that nothing imports',
      method('@fal.endpoint("/")\n    async def a(self) -> None:\n        subprocess.run()'),
    ],
    [
      'a response that has a name',
      method('@fal.endpoint("/")\n    def a(self):\n        found = fastapi.Response(b"")\n        return found'),
    ],
    [
      'a health check next to requests that run at the same time',
      method(
        '@fal.endpoint("/health", health_check=fal.HealthCheck())\n    def health(self) -> dict:\n        return {}',
        'max_multiplexing = 4',
      ),
    ],
    ['a package of an extra', setup('requirements = ["diffusers[torch]==0.32.2"]', 'torch')],
    [
      'requirements that depend on something',
      method(
        'if os.name == "x":\n        requirements = ["numpy==1"]\n    else:\n        requirements = ["numpy==2"]\n' +
          '    def setup(self):\n        import numpy',
      ),
    ],
    ['requirements that grow', setup('requirements = ["torch==1"]\n    requirements += ["opencv-python==1"]', 'cv2')],
    ['requirements that are appended', setup('requirements = ["torch==1"]\n    requirements.append("a==1")', 'cv2')],
    ['requirements that are set afterwards', `${setup('keep_alive = 60', 'numpy')}A.requirements = ["numpy==1"]\n`],
    ['an image that depends on something', setup('if os.name == "x":\n        image = other', 'numpy')],
    [
      'packages that setup() installs',
      method(
        'def setup(self):\n        subprocess.run([sys.executable, "-m", "pip", "install", "numpy"])\n' +
          '        import numpy',
      ),
    ],
    [
      'packages that a function of the file installs',
      `def install():\n    os.system("uv pip install numpy==1")\n${setup('keep_alive = 60', 'numpy')}`,
    ],
    [
      'options with values of their own',
      method('def setup(self): ...', 'requirements = ["-r", "a.txt", "--find-links", "wheels"]'),
    ],
    ['a class name that looks like a key', method('name = "sk-toggleable__content-arrow-some-class-name"')],
    [
      'the begin of a private key',
      method('def setup(self):\n        return "-----BEGIN PRIVATE KEY-----" in self.text'),
    ],
  ])('%s', (_what, text) => {
    expect(codes(text)).toEqual([]);
  });

  it('min_concurrency that is computed may keep a runner', () => {
    const text = `${head}${method('min_concurrency = MIN')}`;
    expect(checkPython(text, { setupSeconds: () => 90 })).toEqual([]);
  });

  it('an endpoint that uses the event loop is not made a def', () => {
    const body = 'asyncio.get_running_loop().create_task(self.log())\n        os.system("a")';
    const text = method(`@fal.endpoint("/")\n    async def a(self) -> None:\n        ${body}`);
    const [found, ...more] = checkPython(`${head}${text}`);
    expect([found?.code, found?.fixes, more]).toEqual(['blocking-call', [], []]);
  });

  it('settings of pyproject.toml count', () => {
    const text = `${head}${setup('keep_alive = 60', 'numpy')}`;
    expect(checkPython(text, { projectSettings: () => new Set(['requirements']) })).toEqual([]);
    expect(checkPython(text, { projectSettings: () => new Set(['image']) })).toEqual([]);
    expect(checkPython(text, { projectSettings: () => new Set(['keep_alive']) })).toHaveLength(1);
  });
});

describe('texts that take long to read', () => {
  it.each<[string, string]>([
    ['spaces in a requirement', method('def setup(self): ...', `requirements = ["numpy${' '.repeat(100_000)}x"]`)],
    [
      'reservations',
      `from fal.toolkit import File\n${method(
        `def setup(self):\n${Array.from({ length: 5_000 }, (_, i) => `        x${i} = File.reserve()\n`).join('')}`,
      )}`,
    ],
    [
      'classes that derive from each other in many ways',
      `class C0(B): ...\n${Array.from({ length: 60 }, (_, i) => `class C${i + 1}(C${i}, D, C${i}): ...\n`).join('')}` +
        method('...'),
    ],
    ['a chain of calls that is too deep for the parser', `x = f${'()'.repeat(20_000)}\n${method('...')}`],
  ])('%s', (_what, text) => {
    expect(checkPython(`${head}${text}`).length).toBeLessThanOrEqual(500);
  });
});
