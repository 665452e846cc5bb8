import type { SyntaxNode } from '@lezer/common';
import { definitionOf, statementsIn } from '../python-code/statements.ts';
import { type Source, textOf } from '../python-code/tree.ts';
import { type AppCode, type Call, type CheckedCode, callsIn, type MethodCode } from './app-code.ts';
import type { Finding } from './finding.ts';
import { nodesIn } from './nodes.ts';

/** Calls that load a model: seconds to minutes, and gigabytes. */
const loadingMethods = /(^|\.)(from_pretrained|from_single_file)$/;
const loaders = new Set([
  ...['torch.jit.load', 'torch.hub.load', 'transformers.pipeline', 'whisper.load_model', 'ultralytics.YOLO'],
  ...['onnxruntime.InferenceSession', 'sentence_transformers.SentenceTransformer', 'faster_whisper.WhisperModel'],
  ...['rapidocr.RapidOCR', 'vllm.LLM', 'llama_cpp.Llama'],
]);

function loads({ name, isImported }: Call): boolean {
  return loadingMethods.test(name) || (isImported && loaders.has(name));
}

/** Models that are loaded anywhere but in `setup()`: while the file is imported, or in each request. */
export function modelFindings(code: CheckedCode): readonly Finding[] {
  return [...atImport(code), ...code.apps.flatMap((app) => perRequest(code, app))];
}

function atImport(code: CheckedCode): readonly Finding[] {
  const own = code.statements.filter((statement) => !definitionOf(statement));
  const inClasses = code.apps.flatMap(({ body }) => statementsIn(body).filter((one) => !definitionOf(one)));
  return [...own, ...inClasses].flatMap((statement) =>
    [...callsIn(code.source, statement, [code.imports])]
      .filter(loads)
      .map((call) =>
        finding(
          call,
          'is called when the file is imported: on your machine, where its result may travel with the app. ' +
            'Load the model in setup(self), and keep it as an attribute of self.',
        ),
      ),
  );
}

function perRequest(code: CheckedCode, app: AppCode): readonly Finding[] {
  return app.methods.flatMap((method) => {
    if (!method.endpoint || !method.body) return [];
    return [...callsIn(code.source, method.body, method.imports)]
      .filter((call) => loads(call) && !isChosen(code, method, call))
      .map((call) =>
        finding(
          call,
          `loads a model in each request of ${method.name}. Load it once in setup(self), and keep it as an ` +
            'attribute of self.',
        ),
      );
  });
}

function finding({ node: { from, to }, name }: Call, rest: string): Finding {
  return { code: 'model-outside-setup', message: `${name} ${rest}`, from, to, fixes: [] };
}

const conditions = /^(If|Try|While|Match)Statement$|^(Conditional|Binary)Expression$/;

/** The request decides which model, or whether one is loaded at all (for example only the first time). */
function isChosen({ source }: CheckedCode, { node }: MethodCode, call: Call): boolean {
  let at: SyntaxNode | null = call.node.parent;
  while (at && at.from > node.from) {
    if (conditions.test(at.name) || returnedBefore(source, at)) return true;
    at = at.parent;
  }
  // Of the parameters' values, one is a choice; so is what was computed from them.
  const first = /^\(\s*([^,()]*)/.exec(textOf(source, call.args))?.[1] ?? '';
  return !/^(?:|"[^"]*"|'[^']*'|[A-Z][A-Z0-9_]*)\s*$/.test(first);
}

/** After `if self.model is not None: return …`, it is loaded the first time only. */
function returnedBefore(source: Source, statement: SyntaxNode): boolean {
  for (let at = statement.prevSibling; at; at = at.prevSibling) {
    if (at.name !== 'IfStatement') continue;
    if (/\bself\./.test(textOf(source, at)) && [...nodesIn(at)].some(({ name }) => name === 'ReturnStatement'))
      return true;
  }
  return false;
}
