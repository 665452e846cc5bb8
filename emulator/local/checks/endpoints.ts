import type { SyntaxNode } from '@lezer/common';
import { assignment } from '../python-code/statements.ts';
import { type Source, textOf } from '../python-code/tree.ts';
import { type AppCode, type CheckedCode, callsIn, type MethodCode, settingOf } from './app-code.ts';
import type { Finding, Fix } from './finding.ts';
import { nodesIn, runsLater } from './nodes.ts';
import { isOfFastApi, parametersOf } from './parameters.ts';

/** Functions that wait, with what waits in the same way without blocking. */
const blocking: readonly (readonly [name: RegExp, instead: string])[] = [
  [/^time\.sleep$/, '`await asyncio.sleep(…)`'],
  [/^requests\.(get|post|put|patch|delete|head|options|request)$/, 'httpx.AsyncClient'],
  [/^httpx\.(get|post|put|patch|delete|head|options|request|stream)$/, 'httpx.AsyncClient'],
  [/^urllib\.request\.(urlopen|urlretrieve)$/, 'httpx.AsyncClient'],
  [/^subprocess\.(run|call|check_call|check_output|getoutput|getstatusoutput)$/, 'asyncio.create_subprocess_exec'],
  [/^os\.(system|popen)$/, 'asyncio.create_subprocess_shell'],
  [/^fal_client\.(run|subscribe|submit|result|status|upload|upload_file|upload_image)$/, 'fal_client.AsyncClient'],
];

/** What is wrong with how endpoints take and give values, and how they wait. */
export function endpointFindings(code: CheckedCode, app: AppCode): readonly Finding[] {
  return app.methods
    .filter(({ endpoint }) => endpoint)
    .flatMap((method) => [
      ...blockingCalls(code, app, method),
      ...untyped(code, method),
      ...syncMultiplexing(code, app, method),
    ]);
}

function blockingCalls(code: CheckedCode, app: AppCode, method: MethodCode): readonly Finding[] {
  const { isAsync, body, imports, name } = method;
  if (!isAsync || !body) return [];
  return [...callsIn(code.source, body, imports)].flatMap((call): readonly Finding[] => {
    const known = blocking.find(([pattern]) => pattern.test(call.name));
    if (!known || !call.isImported || call.node.parent?.name === 'AwaitExpression') return [];
    const { from, to } = call.node;
    return [
      {
        code: 'blocking-call',
        message:
          `${call.name} blocks the event loop: until it returns, the runner answers nothing else, not even health ` +
          `checks. Make ${name} a \`def\`, or use ${known[1]}.`,
        from,
        to,
        fixes: [...syncFix(code, app, method), ...sleepFix(code, call)],
      },
    ];
  });
}

const waits = new Set(['AwaitExpression', 'YieldStatement', 'YieldExpression', 'async']);

/** `def` in place of `async def`, if nothing in it or around it depends on that. FastAPI runs it in a thread. */
function syncFix({ source }: CheckedCode, app: AppCode, method: MethodCode): readonly Fix[] {
  const keyword = method.node.firstChild;
  const next = keyword?.nextSibling;
  if (!keyword || !next || !method.body || method.endpoint?.kind !== 'http') return [];
  if ([...nodesIn(method.body)].some(({ name }) => waits.has(name))) return [];
  // What needs the event loop of the thread fails in another one.
  if (/\basyncio\b/.test(textOf(source, method.body))) return [];
  if (isMultiplexed(app)) return [];
  // Another method that awaits it would fail.
  if (new RegExp(`\\.\\s*${method.name}\\b`).test(textOf(source, app.body))) return [];
  return [{ title: `Make ${method.name} a def`, edits: [{ from: keyword.from, to: next.from, text: '' }] }];
}

/** `await asyncio.sleep(…)` in place of `time.sleep(…)`. */
function sleepFix(code: CheckedCode, { node, name, args }: { node: SyntaxNode; name: string; args: SyntaxNode }) {
  if (name !== 'time.sleep' || node.parent?.name !== 'ExpressionStatement') return [];
  const { source, imports, statements } = code;
  const before = statements.find(
    (one) => one.name === 'ImportStatement' && !/^from\s+__future__\b/.test(textOf(source, one)),
  );
  const isImported = imports.modules.get('asyncio') === 'asyncio';
  // An import inside `try` or `if` has an indentation that another line would break.
  if (!isImported && before?.parent?.name !== 'Script') return [];
  const insert = isImported || !before ? [] : [{ from: before.from, to: before.from, text: 'import asyncio\n' }];
  const call = { from: node.from, to: args.from, text: 'await asyncio.sleep' };
  return [{ title: 'Use await asyncio.sleep', edits: [...insert, call] }];
}

function untyped(code: CheckedCode, method: MethodCode): readonly Finding[] {
  const { source } = code;
  const list = method.node.getChild('ParamList');
  // Something is still being typed.
  if (list?.lastChild?.name !== ')' || !method.body || hasError(list)) return [];
  const [, ...parameters] = parametersOf(list);
  const inputs = parameters
    .filter(({ stars, type }) => stars === '' && !type)
    .filter(({ name, fallback }) => !isInPath(textOf(source, name)) && !isOfFastApi(source, fallback))
    .map(({ name, fallback }): Finding => {
      const type = fallback && typeOfLiteral(fallback, textOf(source, fallback));
      const text = textOf(source, name);
      return {
        code: 'untyped-input',
        message:
          `The parameter ${text} of ${method.name} has no type, so callers can't send it in the body of a request, ` +
          'and it is not checked. Give it a pydantic model or another type.',
        from: name.from,
        to: name.to,
        fixes: type === undefined ? [] : [{ title: `Add the type ${type}`, edits: [insertAt(name.to, `: ${type}`)] }],
      };
    });
  return [...inputs, ...untypedOutput(code, method, list)];

  /** `{name}` or `{name:path}`. */
  function isInPath(name: string): boolean {
    return [...(method.endpoint?.path ?? '').matchAll(/\{(\w+)(?::\w+)?\}/g)].some(([, one]) => one === name);
  }
}

function untypedOutput({ source }: CheckedCode, method: MethodCode, list: SyntaxNode): readonly Finding[] {
  const { node, body, endpoint, name } = method;
  if (!body || endpoint?.kind !== 'http' || node.getChild('TypeDef')) return [];
  const inside = [...nodesIn(body, (inner) => !runsLater(inner))];
  if (inside.some((one) => one.name.startsWith('Yield'))) return [];
  const returned = inside.filter((one) => one.name === 'ReturnStatement').map(({ lastChild }) => lastChild);
  // Without a value, or a response of the app's own, there is nothing to describe.
  const values = returned.filter((value) => value && value.name !== 'return' && value.name !== 'None');
  if (values.length === 0 || values.some((value) => value && isResponse(source, method, value))) return [];
  const isDict = values.length === returned.length && values.every((value) => value?.name === 'DictionaryExpression');
  const at = node.getChild('VariableName') ?? node;
  return [
    {
      code: 'untyped-output',
      message:
        `The answer of ${name} has no type, so neither its schema nor playgrounds and clients know it. ` +
        'Add a pydantic model after `->`.',
      from: at.from,
      to: at.to,
      fixes: isDict ? [{ title: 'Add the type dict', edits: [insertAt(list.to, ' -> dict')] }] : [],
    },
  ];
}

/** A response of the app's own: made here, or a variable that has one. */
function isResponse(source: Source, { node, body }: MethodCode, value: SyntaxNode): boolean {
  const text = textOf(source, value);
  if (/Response\b/.test(text)) return true;
  const list = node.getChild('ParamList');
  if (value.name !== 'VariableName' || !list || !body) return false;
  if (new RegExp(`\\b${text}\\s*:[^,]*Response\\b`).test(textOf(source, list))) return true;
  return [...nodesIn(body, (inner) => !runsLater(inner))].some((one) => {
    const assigned = assignment(one);
    return assigned && textOf(source, assigned.target) === text && /Response\b/.test(textOf(source, assigned.value));
  });
}

function insertAt(at: number, text: string) {
  return { from: at, to: at, text };
}

function typeOfLiteral(node: SyntaxNode, text: string): string | undefined {
  if (node.name === 'String' && !/^[a-z]*b/i.test(text)) return 'str';
  if (node.name === 'Boolean') return 'bool';
  if (node.name === 'Number' && /^[\d_.]+$/.test(text)) return text.includes('.') ? 'float' : 'int';
  return undefined;
}

function hasError(node: SyntaxNode): boolean {
  return [...nodesIn(node)].some(({ type }) => type.isError);
}

function isMultiplexed(app: AppCode): boolean {
  const value = settingOf(app, 'max_multiplexing')?.literal;
  return typeof value === 'number' && value > 1;
}

function syncMultiplexing({ source }: CheckedCode, app: AppCode, method: MethodCode): readonly Finding[] {
  const { isAsync, endpoint } = method;
  if (isAsync || endpoint?.kind !== 'http' || endpoint.isHealthCheck || !isMultiplexed(app)) return [];
  const does = method.body ? textOf(source, method.body) : '';
  // It uses nothing that requests share, or it lets one in at a time.
  if (!/\bself\b/.test(does) || /(^|[^a-z])(lock|semaphore)/i.test(does)) return [];
  const at = method.node.getChild('VariableName') ?? method.node;
  return [
    {
      code: 'sync-multiplexing',
      message:
        `${method.name} is a \`def\`, but max_multiplexing is more than 1: requests of a runner would run in threads ` +
        'at the same time, on the same model. Make it an `async def` that awaits, or set max_multiplexing to 1.',
      from: at.from,
      to: at.to,
      fixes: oneAtATime(app),
    },
  ];
}

function oneAtATime(app: AppCode): readonly Fix[] {
  const setting = settingOf(app, 'max_multiplexing');
  if (setting?.value.name !== 'Number') return [];
  const { from, to } = setting.value;
  return [{ title: 'Set max_multiplexing to 1', edits: [{ from, to, text: '1' }] }];
}
