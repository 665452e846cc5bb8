import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Runs } from '../commands/runs.ts';
import { commandId } from '../contributes/commands.ts';
import type { Presenter } from '../present.ts';
import { Problem } from '../problem.ts';
import type { Link } from '../target/link.ts';
import { t } from '../words.ts';
import type { AppIndex } from '../workspace/app-index.ts';
import { addressIn, addressOfSchema, appOf, isRequestDocument, parseAddress, schemaUri } from './address.ts';
import { type Answer, createAnswers } from './answers.ts';
import { createCallFiles } from './call-files.ts';
import { answerLenses, type CallArgument, requestLenses } from './call-lenses.ts';
import { columnOf } from './columns.ts';
import { readRequest } from './documents.ts';
import { createFilling } from './filling.ts';
import { createHistory, isUnfinished } from './history.ts';
import { createOpening } from './opening.ts';
import { createOperations } from './operations.ts';
import { placeInput } from './place-input.ts';
import { presentState } from './present-state.ts';
import { programFor, programKinds } from './programs.ts';
import type { CallEvents, CallSide } from './register.ts';
import { createRequestFiles } from './request-files.ts';
import { createResults } from './results.ts';
import { createSending } from './sending.ts';
import { createTargets } from './targets.ts';

/** Calls of endpoints as documents: requests, their answers, and the history of both. */
export function createCalls(deps: {
  readonly link: Link;
  readonly index: AppIndex;
  readonly runs: Runs;
  readonly present: Presenter;
  readonly events: CallEvents;
  /** Where the history and opened results are kept. */
  readonly storage: string;
  readonly ensureEmulator: () => Promise<void>;
  readonly runApp: (argument: { readonly file: string; readonly app: string }) => Promise<boolean>;
  /** A call has ended, with the status of its answer; `null`: there was none. */
  readonly ended: (status: number | null) => void;
  /** Whether the Python that terminals use has `fal_client`. */
  readonly hasClient: () => Promise<boolean>;
}) {
  const { link, index, runs, present, events, storage } = deps;
  const targets = createTargets(deps);
  const operations = createOperations({
    targets,
    folder: join(storage, 'schemas'),
    changed: (address) => events.fileChanged(vscode.Uri.parse(schemaUri(address))),
  });
  const history = createHistory(join(storage, 'calls'));
  const results = createResults({ link, folder: join(storage, 'results') });
  const answers = createAnswers({
    link,
    changed(uri) {
      events.fileChanged(uri);
      events.lensesChanged();
      const answer = answers.get(uri.toString());
      if (answer) void sending.setLanguage(answer);
    },
    keep(call) {
      void history.add(call).catch(present.problem);
      if (!isUnfinished(call)) deps.ended(call.status);
    },
  });
  const sending = createSending({ link, targets, operations, answers, history });
  const filling = createFilling({ changed: events.lensesChanged });
  const opening = createOpening({ index, runs, targets, operations, answers, history, sending, filling });
  const { answerFor } = sending;

  const sources = {
    '': async (uri: vscode.Uri) => {
      const address = parseAddress(uri.toString(true));
      return JSON.stringify(address ? { $ref: schemaUri(address) } : {}, null, 2);
    },
    schema: async (uri: vscode.Uri) => {
      const address = addressOfSchema(uri);
      const operation = address && (await operations.find(address).catch(() => undefined));
      return JSON.stringify(operation?.input ?? {}, null, 2);
    },
    answer: async (uri: vscode.Uri) => {
      const answer = answers.get(uri.toString()) ?? (await restored(uri));
      return answer?.body.text ?? `${t('This result was not kept.')}\n`;
    },
  };
  let shown = '';
  link.onChange(({ live }) => {
    const now = answers
      .all()
      .map((answer) => [answer.uri.toString(), presentState(live, answer)])
      .filter(([, state]) => state !== undefined)
      .join(' ');
    if (now !== shown) events.lensesChanged();
    shown = now;
  });
  const files = createCallFiles(sources, createRequestFiles(join(storage, 'requests')));

  async function restored(uri: vscode.Uri): Promise<Answer | undefined> {
    const past = (await history.list()).find(({ answer }) => answer === uri.toString());
    // The editor asks several times at once; a second look would follow the request twice.
    const known = answers.get(uri.toString());
    if (known) return known;
    const answer = past && answers.restore(past, uri);
    if (past && answer) {
      sending.resume(past, answer);
      whenOpen(uri, () => void sending.setLanguage(answers.get(uri.toString()) ?? answer));
    }
    events.lensesChanged();
    return answers.get(uri.toString());
  }

  async function copy(argument: unknown): Promise<boolean> {
    const document = await sending.documentOf(argument);
    const request = answers.get(document.uri.toString())?.request ?? readRequest(document);
    const { program } = (argument ?? {}) as Partial<CallArgument>;
    const kind = program ?? (await vscode.window.showQuickPick([...programKinds], { title: t('Copy Request as') }));
    const known = programKinds.find((one) => one === kind);
    if (!known) return false;
    const { address } = request;
    const target = await targets.find(address, document.uri);
    const code = await targets.codeOf(address, document.uri);
    const alias = target?.alias ?? code?.appName ?? appOf(address);
    const signal = AbortSignal.timeout(60_000);
    const operation = operations.known(address);
    const input = target ? await sending.withUploads(request, document.uri, operation, signal) : request.input;
    const { path, query, body } = placeInput(input, { ...operation, path: address.path });
    const method = operation?.method ?? 'POST';
    const call = { method, app: `${target?.owner ?? 'local'}/${alias}`, path, query, input: body };
    await vscode.env.clipboard.writeText(programFor(known, call));
    void vscode.window.setStatusBarMessage(t('fal: copied as {0}, for the terminal "fal (local)".', known), 5_000);
    if (known === 'Python' && !(await deps.hasClient())) void offerClient();
    return true;
  }

  async function showLog(argument: unknown): Promise<void> {
    const { requestId } = await answerFor(argument);
    if (requestId === null) throw new Problem(t('The emulator did not receive this call.'));
    await vscode.commands.executeCommand(commandId('showLog'), { requestId });
  }

  async function openResult(argument: unknown): Promise<void> {
    const { uri, file, media: all } = await answerFor(argument);
    const column = columnOf(uri);
    const { url } = (argument ?? {}) as Partial<CallArgument>;
    const media = url === undefined ? all : all.filter((one) => one.url === url);
    if (file) return results.show(file.name, file.bytes, column);
    if (media.length === 0) throw new Problem(t('This result has no image, audio, video or other file.'));
    await results.open(media, column);
  }

  /** Errors of a command are shown, and it returns `false`. */
  function command<T>(run: (argument: unknown) => Promise<T>): (argument: unknown) => Promise<T | false> {
    return async (argument) => {
      try {
        return await run(argument);
      } catch (error) {
        present.problem(error);
        return false;
      }
    };
  }

  const side: CallSide = {
    files,
    lenses(document) {
      const uri = document.uri.toString();
      answers.lensesAsked(uri);
      const answer = answers.get(uri);
      const address = addressIn(document.getText());
      const isRunning = sending.answerOf(document.uri)?.isRunning === true;
      const media = answer?.file ? [answer.file] : (answer?.media ?? []);
      const lenses = answer
        ? answerLenses(uri, {
            ...answer,
            head: presentState(link.snapshot().live, answer) ?? answer.head,
            media,
          })
        : address
          ? requestLenses(uri, address, {
              isRunning,
              isFile: !isRequestDocument(document.uri),
              isReading: filling.isWaiting(document.uri),
            })
          : [];
      return lenses.map(({ title, command: name, argument, isSecond }) => {
        const plain = title.replaceAll('$(', '\\$(');
        const target = { title: plain, command: name ? commandId(name) : '', arguments: argument ? [argument] : [] };
        const line = isSecond ? Math.min(1, document.lineCount - 1) : 0;
        return new vscode.CodeLens(new vscode.Range(line, 0, line, 0), target);
      });
    },
    links(document) {
      const text = document.getText();
      const media = answers.get(document.uri.toString())?.media ?? [];
      return media.flatMap(({ url, name }) => {
        const at = text.indexOf(JSON.stringify(url)) + 1;
        if (at === 0) return [];
        const range = new vscode.Range(document.positionAt(at), document.positionAt(at + url.length));
        const argument: CallArgument = { document: document.uri.toString(), url };
        const query = encodeURIComponent(JSON.stringify([argument]));
        const link = new vscode.DocumentLink(range, vscode.Uri.parse(`command:${commandId('openResult')}?${query}`));
        link.tooltip = t('Open {0} in the Editor', name);
        return [link];
      });
    },
  };

  return {
    side,
    commands: {
      callApp: command(async (argument) => (await opening.callApp(argument)) !== undefined),
      /** The first line of the answer. */
      runAndCall: command(async (argument) => {
        const { uri } = await opening.callApp(argument, { restart: true });
        return (await sending.send({ document: uri.toString() }, 'direct')).head;
      }),
      /** The first line of the answer. */
      sendCall: command(async (argument) => (await sending.send(argument, 'direct')).head),
      queueCall: command(async (argument) => (await sending.send(argument, 'queue')).head),
      cancelCall: command(async (argument) => (await answerFor(argument)).cancel()),
      replayCall: command(async (argument) => {
        const answer = await answerFor(argument);
        return (await sending.again(answer, answer.mode)).head;
      }),
      saveCall: command(opening.save),
      copyCall: command(copy),
      showCallLog: command(showLog),
      openResult: command(openResult),
      callHistory: command(opening.showHistory),
    },
  };
}

function whenOpen(uri: vscode.Uri, act: () => void): void {
  const opening = vscode.workspace.onDidOpenTextDocument((document) => {
    if (document.uri.toString() !== uri.toString()) return;
    opening.dispose();
    act();
  });
}

export type Calls = ReturnType<typeof createCalls>;

async function offerClient(): Promise<void> {
  const what = t('The copied program needs fal_client, which the Python of the terminal "fal (local)" does not have.');
  const install = t('Install fal_client');
  if ((await vscode.window.showWarningMessage(what, install)) !== install) return;
  await vscode.commands.executeCommand(commandId('installFal'));
}
