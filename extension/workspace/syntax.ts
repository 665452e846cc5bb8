import * as z from 'zod';
import type { Exec } from '../process/node.ts';
import type { SyntaxCheck } from './app-index.ts';

const answer = z.record(z.string(), z.tuple([z.int(), z.string()]));

/** `ast.parse` compiles nothing and runs nothing. Deep nesting and null bytes raise other errors. */
const question = `
import ast, json, sys
broken = {}
for path in sys.argv[1:]:
    try:
        with open(path, "rb") as file:
            ast.parse(file.read(), path)
    except SyntaxError as error:
        broken[path] = (error.lineno or 1, error.msg or "invalid syntax")
    except OSError:
        pass
    except Exception as error:
        broken[path] = (1, str(error) or type(error).__name__)
print(json.dumps(broken))
`;

const maxFiles = 20;

/** Lets the app's own Python parse files on the disk. Without a Python, nothing is known. */
export function createSyntaxCheck(deps: {
  /** The interpreter, if one may be run. */
  readonly python: () => Promise<string | undefined>;
  readonly exec: Exec;
  readonly env: () => { readonly [name: string]: string | undefined };
}): SyntaxCheck {
  return async (paths) => {
    const python = await deps.python();
    if (python === undefined) return undefined;
    try {
      // -I: neither the working folder nor PYTHON* variables affect the imports.
      const args = ['-I', '-W', 'ignore', '-c', question, ...paths.slice(0, maxFiles)];
      const broken = answer.parse(JSON.parse(await deps.exec(python, args, deps.env())));
      return new Map(Object.entries(broken).map(([path, [line, why]]) => [path, { line: line - 1, why }]));
    } catch {
      return undefined;
    }
  };
}
