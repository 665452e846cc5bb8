import type { MethodDefinition } from '@grpc/grpc-js';
import type protobuf from 'protobufjs/light.js';

/**
 * Enum values are their names; a field with presence is absent when it was not sent, so that 0 and "not sent" stay
 * apart.
 */
const plain: protobuf.IConversionOptions = { longs: Number, enums: String, arrays: true, objects: true, oneofs: true };

/** A message as plain values and as bytes. `deserialize` throws if the bytes are something else. */
export function codec(type: protobuf.Type) {
  return {
    serialize(message: object): Buffer {
      const { buffer, byteOffset, length } = type.encode(type.fromObject(message)).finish();
      return Buffer.from(buffer, byteOffset, length);
    },
    deserialize: (bytes: Buffer): object => type.toObject(type.decode(bytes), plain),
  };
}

/**
 * A method in the form that grpc-js takes. Not from @grpc/proto-loader, which describes each message once more for
 * reflection that nobody needs here (measured: 25 ms of each start).
 */
export function methodDefinition(
  path: string,
  request: protobuf.Type,
  response: protobuf.Type,
  {
    requestStream = false,
    responseStream = false,
  }: Partial<Pick<protobuf.Method, 'requestStream' | 'responseStream'>> = {},
): MethodDefinition<object, object> {
  const [asked, answered] = [codec(request), codec(response)];
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: asked.serialize,
    requestDeserialize: asked.deserialize,
    responseSerialize: answered.serialize,
    responseDeserialize: answered.deserialize,
  };
}
