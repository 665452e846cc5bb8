import type { ServerDuplexStream, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { unimplemented } from './rpc-error.ts';

/** A call of any of the three kinds that the two services have. */
type AnyCall =
  | ServerUnaryCall<unknown, object>
  | ServerWritableStream<unknown, object>
  | ServerDuplexStream<unknown, object>;

/** Answers UNIMPLEMENTED with a sentence, for any kind of method. */
export function refuseMethod(name: string) {
  const { code, message: details } = unimplemented(
    `${name} is not supported by minifal yet; FIDELITY.md lists what is.`,
  );
  return (call: AnyCall, answer?: sendUnaryData<object>): void => {
    if (answer === undefined) call.emit('error', { code, details });
    else answer({ code, details });
  };
}
