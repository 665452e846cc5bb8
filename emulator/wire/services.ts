import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs/light.js';
import generated from './generated/controller.json' with { type: 'json' };

/** The two gRPC services of the platform. */
export interface Services {
  /** `controller.IsolateController`: what the SDK and the CLI call. */
  readonly controller: ServiceDefinition;
  /**
   * isolate's `Isolate`: runners call its SetMetadata (docs/platform/runner-process.md#logs), which edge/labels/
   * answers.
   */
  readonly isolate: ServiceDefinition;
}

const plain: protobuf.IConversionOptions = { longs: Number, enums: String, arrays: true, objects: true, oneofs: true };

/**
 * Reads the services out of the generated descriptor (scripts/protos.ts). Field names are the wire's own; enum values
 * are their names; a field with presence is absent when it was not sent, so that 0 and "not sent" stay apart.
 */
export function loadServices(): Services {
  loaded ??= readServices();
  return loaded;
}

/** The request of Run in its encoded form. Throws if it is something else. */
export function decodeRun(bytes: Buffer): object {
  return loadServices().controller.Run?.requestDeserialize(bytes) ?? {};
}

let loaded: Services | undefined;

function readServices(): Services {
  const descriptor: unknown = generated.descriptor;
  const root = protobuf.Root.fromJSON(descriptor as protobuf.INamespace).resolveAll();
  return { controller: service('controller.IsolateController'), isolate: service('Isolate') };

  function service(name: string): ServiceDefinition {
    const methods = root.lookupService(name).methodsArray;
    return Object.fromEntries(methods.map((method) => [method.name, definitionOf(name, method)]));
  }
}

/**
 * The form that grpc-js takes. Not from @grpc/proto-loader, which describes each message once more for reflection that
 * nobody needs here (measured: 25 ms of each start).
 */
function definitionOf(service: string, method: protobuf.Method): MethodDefinition<object, object> {
  const request = codec(method.resolvedRequestType);
  const response = codec(method.resolvedResponseType);
  return {
    path: `/${service}/${method.name}`,
    requestStream: method.requestStream ?? false,
    responseStream: method.responseStream ?? false,
    requestSerialize: request.serialize,
    requestDeserialize: request.deserialize,
    responseSerialize: response.serialize,
    responseDeserialize: response.deserialize,
  };
}

function codec(type: protobuf.Type | null) {
  if (!type) throw new Error('The wire descriptor lacks a message; run scripts/protos.ts again.');
  return {
    serialize(message: object): Buffer {
      const { buffer, byteOffset, length } = type.encode(type.fromObject(message)).finish();
      return Buffer.from(buffer, byteOffset, length);
    },
    deserialize: (bytes: Buffer): object => type.toObject(type.decode(bytes), plain),
  };
}
