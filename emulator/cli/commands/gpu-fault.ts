import { printableJson } from '../../local/printable.ts';
import { tryJson } from '../../local/try-json.ts';
import { UserError } from '../../wire/errors.ts';
import { gpuFaultAnswer, gpuFaultKinds } from '../../wire/gpu-faults.ts';
import { askOwner, otherVersion, owned, refusalIn } from '../ask-owner.ts';
import type { CliOptions } from '../line/options.ts';
import { printText } from '../print.ts';

const usage = 'Use `minifal gpu fault NUMBER`; `minifal status` shows the numbers.';

/** `minifal gpu fault NUMBER`: rehearses a fault of a virtual GPU. `words`: those after `gpu`. */
export async function gpuFault(words: readonly string[], options: CliOptions): Promise<number> {
  const [action, number = '', ...more] = words;
  if (action !== 'fault' || more.length > 0 || !/^\d{1,3}$/.test(number))
    throw new UserError('ARGUMENT_INVALID', `Unexpected arguments: gpu ${words.join(' ')}.`, usage);
  const kind = gpuFaultKinds.find((known) => known === (options.kind ?? gpuFaultKinds[0]));
  if (kind === undefined) {
    const why = `${options.kind} is not a fault that minifal can make.`;
    throw new UserError('ARGUMENT_INVALID', why, `Set --kind to one of: ${gpuFaultKinds.join(', ')}.`);
  }
  const emulator = owned(options);
  const { body } = await askOwner(emulator, `/minifal/gpus/${Number(number)}/fault`, { kind });
  const refused = refusalIn(body, usage);
  if (refused) throw refused;
  const answer = gpuFaultAnswer.safeParse(tryJson(body));
  if (!answer.success) throw otherVersion(emulator.port);
  const { runners } = answer.data;
  const lines = runners.map(({ id, alias }) => `Runner ${id.slice(0, 8)} of ${alias} met the fault and is ended.\n`);
  if (options.json) printText(printableJson(answer.data));
  else printText(lines.join('') || `No runner has GPU ${number}; nothing has changed.\n`);
  return 0;
}
