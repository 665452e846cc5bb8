import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { appsOf, filesOf } from './apps.ts';
import { readPythonFile, readPythonFileInSteps } from './python-file.ts';

const templates = join(import.meta.dirname, '..', '..', '..', 'templates');
const appsIn = (source: string) => appsOf(filesOf(new Map([['app.py', readPythonFile(source)]]))).get('app.py') ?? [];
const names = (source: string) => appsIn(source).map(({ name, kind }) => `${kind} ${name}`);
const inApp = (body: string, head = 'class A(fal.App):') =>
  appsIn(`import fal\n${head}\n    x = 0\n${body.replace(/^(?=.)/gm, '    ')}\n`)[0];

it('reads several settings in one line', () => {
  const [app] = appsIn('import fal\nclass A(fal.App):\n    keep_alive = 5; max_concurrency = 2\n');
  expect(app?.settings.map(({ name, value }) => [name, value])).toEqual([
    ['keep_alive', 5],
    ['max_concurrency', 2],
  ]);
});

it('takes a name for a constant only if it has one value', () => {
  const head = 'A = 1\nB = 1\nB = int(env)\nif prod:\n    C = 1\nelse:\n    C = 2\nD = 1\nD += 1\n';
  const [app] = appsIn(`import fal\n${head}class X(fal.App):\n    a = A\n    b = B\n    c = C\n    d = D\n`);
  expect(app?.settings.map(({ value }) => value)).toEqual([1, undefined, undefined, undefined]);
});

describe('apps in a Python file', () => {
  const read = (file: string) => readFileSync(join(templates, file), 'utf8');
  // One has a server that knows nothing of fal.
  const written = globSync('*/app.py', { cwd: templates }).filter((file) => read(file).includes('import fal'));

  it.each(written)('are found in the template %s', (file) => {
    const source = read(file);
    const [app] = appsIn(source);
    expect(app?.kind === 'function' || app?.endpoints.some(({ path }) => path === '/')).toBe(true);
    expect(readPythonFile(source).isDoubtful).toBe(false);
  });

  it('are found with the lines of their name, first decorator and end', () => {
    expect(appsIn('import fal\n\n@dec\nclass One(fal.App, keep_alive=60):\n    pass\n\n')).toMatchObject([
      { name: 'One', kind: 'app', topLine: 2, line: 3, endLine: 4 },
    ]);
    const decorated = 'import fal\n@fal.function(\n    "virtualenv",\n)\n@other\nasync def go():\n    pass\n';
    expect(appsIn(decorated)).toMatchObject([{ name: 'go', kind: 'function', topLine: 1, line: 5 }]);
  });

  it.each([
    ['import fal as f\nclass A(f.App): ...', ['app A']],
    ['import os, fal\nclass A(\n    fal.App,\n    name="x(",\n): ...', ['app A']],
    ['from fal import App\nclass A(App): ...', ['app A']],
    [
      'from fal import (\n    App as Base,  # ours\n    function,\n)\nclass A(Base): ...\n@function()\ndef b(): ...',
      ['app A', 'function b'],
    ],
    ['from fal.app import App\nclass A(Mixin, App): ...', ['app A']],
    ['import fal.toolkit\nclass A(fal.App): ...', ['app A']],
    ['from fal import app\nclass A(app.App): ...', ['app A']],
    ['import fal\nclass Base(fal.App): ...\nclass Sub(Base[int]): ...', ['app Base', 'app Sub']],
    ['import fal\n@fal.function\ndef bare(): ...', ['function bare']],
    ['try:\n    import fal\nexcept ImportError:\n    fal = None\nif fal:\n    class A(fal.App): ...', ['app A']],
    ['if TYPE_CHECKING:\n    import x\nelse:\n    import fal\nclass A(fal.App): ...', ['app A']],
    ['if not typing.TYPE_CHECKING:\n    import fal\nclass A(fal.App): ...', ['app A']],
    ['import os; import fal\nclass A(fal.App): ...', ['app A']],
    ['import fal\nwith quiet():\n    class A(fal.App): ...', ['app A']],
    ['import fal.wma\nclass A(fal.wma.App): ...', ['app A']],
    ['from fal.wma import App\nclass A(App): ...', ['app A']],
    ['import fal\n@fal.isolated()\ndef old(): ...', ['function old']],
    ['from fal import *\n@function()\ndef a(): ...', ['function a']],
    ['import fal\n# class A(fal.App): ...\nclass B(fal.App):\n    """class C(fal.App): ..."""', ['app B']],
    ['import fal\r\n\r\nclass A(fal.App):\r\n    x = 1\r\n', ['app A']],
    ['import fal\ndef each():\n    yield\nx = (yield)\nclass A(fal.App): ...', ['app A']],
  ])('are found in %j', (source, expected) => {
    expect(names(source).filter((name) => name !== 'app Base' || expected.includes(name))).toEqual(expected);
  });

  it.each([
    'class A(fal.App): ...',
    'import fal\n# class A(fal.App): ...',
    'import fal\n"""\nclass A(fal.App): ...\n"""',
    "import fal\nx = '''\n@fal.function()\ndef a(): ...'''",
    'import fal\nclass A(Base, metaclass=fal.App): ...',
    'import fal\nclass A: ...\nclass B(falx.App): ...',
    'import fal\nif __name__ == "__main__":\n    class A(fal.App): ...',
    'import fal\n@fal.function()\nclass A: ...\ndef b(): ...',
    'import fal\nclass A(A): ...\nclass B(C): ...\nclass C(B): ...',
    'import fal_client\nclass A(fal_client.App): ...',
  ])('are not seen in %j', (source) => {
    expect(names(source)).toEqual([]);
  });

  it('are found in unfinished text', () => {
    expect(names('import fal\nclass A(fal.App, x=(')).toEqual(['app A']);
    expect(names('import fal\nx = """ class A(fal.App): ...')).toEqual([]);
  });

  it('are the same when the text is read in steps, with a pause between them', async () => {
    const long = `import fal\nclass A(fal.App):\n${'    y = [1, 2, "a" + f(b)]\n'.repeat(20_000)}`;
    let pauses = 0;
    const file = await readPythonFileInSteps(long, async () => void pauses++);
    expect(pauses).toBeGreaterThan(3);
    expect(file).toEqual(readPythonFile(long));
  });
});

describe('endpoints', () => {
  it('have method, path, kind and lines', () => {
    const app = inApp(`
@fal.endpoint("/slow")
@other
def slow(self, input: Input) -> Output:
    return Output()

@fal.endpoint(path="/ws", is_websocket=True)
async def ws(self, socket): ...

@fal.realtime("/rt", buffering=10)
def rt(self, input: Input) -> Output: ...

def helper(self): ...
`);
    expect(app?.endpoints).toEqual([
      { method: 'slow', path: '/slow', kind: 'http', isAsync: false, isStreaming: false, topLine: 4, line: 6 },
      { method: 'ws', path: '/ws', kind: 'websocket', isAsync: true, isStreaming: false, topLine: 9, line: 10 },
      { method: 'rt', path: '/rt', kind: 'realtime', isAsync: false, isStreaming: false, topLine: 12, line: 13 },
    ]);
  });

  it.each([
    ['@fal.endpoint("/")\nasync def s(self) -> AsyncIterator[str]:\n    yield "x"', true],
    ['@fal.endpoint("/")\ndef s(self):\n    return StreamingResponse(parts())', true],
    ['@fal.endpoint("/")\ndef s(self) -> Stream: ...', false],
  ])('know from the code whether they stream: %j', (body, isStreaming) => {
    expect(inApp(body)?.endpoints).toMatchObject([{ isStreaming }]);
  });

  it('may have a path that is known only when the code runs, or a constant', () => {
    expect(inApp('@fal.endpoint(PATH)\ndef a(self): ...')?.endpoints).toMatchObject([{ path: undefined }]);
    const source = 'import fal\nPATH = "/x"\nclass A(fal.App):\n    @fal.endpoint(PATH)\n    def a(self): ...';
    expect(appsIn(source)[0]?.endpoints).toMatchObject([{ path: '/x' }]);
  });
});

describe('settings', () => {
  const value = (expression: string) => inApp(`setting = ${expression}`)?.settings.find((one) => one.line === 3)?.value;

  it.each([
    ['60', 60],
    ['-1', -1],
    ['1_000', 1000],
    ['0x10', 16],
    ['1.5', 1.5],
    ['True', true],
    ['None', null],
    [`"XS"`, 'XS'],
    [`r'a\\d' "b"`, 'a\\db'],
    [`"""a\nb"""`, 'a\n    b'],
    ['["a", "b",  # why\n]', ['a', 'b']],
    ['("GPU-H100", "GPU-A100")', ['GPU-H100', 'GPU-A100']],
    ['[["a"], [1]]', [['a'], [1]]],
    ['(60)', 60],
    ['2 * 30', undefined],
    ['seconds()', undefined],
    ['f"{x}"', undefined],
    ['[x]', undefined],
  ])('%s is %j', (expression, expected) => {
    expect(value(expression)).toEqual(expected);
  });

  it('are attributes and keywords, with their lines and text', () => {
    const app = inApp('keep_alive: ClassVar[int] = 60\nrequirements = [\n    "a",\n]\n', 'class A(fal.App, name="n"):');
    expect(app?.settings).toEqual([
      { name: 'name', value: 'n', text: '"n"', line: 1, endLine: 1, isKeyword: true },
      { name: 'x', value: 0, text: '0', line: 2, endLine: 2, isKeyword: false },
      { name: 'keep_alive', value: 60, text: '60', line: 3, endLine: 3, isKeyword: false },
      { name: 'requirements', value: ['a'], text: '[\n        "a",\n    ]', line: 4, endLine: 6, isKeyword: false },
    ]);
  });

  it('are those of a function', () => {
    expect(
      appsIn('import fal\n@fal.function(machine_type="L", keep_alive=5)\ndef f(): ...')[0]?.settings,
    ).toMatchObject([
      { name: 'machine_type', value: 'L', line: 1 },
      { name: 'keep_alive', value: 5 },
    ]);
  });

  it('may be a constant of the module', () => {
    const source = 'import fal\nSECONDS = 90\nclass A(fal.App):\n    keep_alive = SECONDS\n';
    expect(appsIn(source)[0]?.settings).toMatchObject([{ value: 90, text: 'SECONDS' }]);
  });
});
