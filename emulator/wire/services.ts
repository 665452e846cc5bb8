import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs/light.js';
import { methodDefinition } from './codec.ts';
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

/**
 * Reads the services out of the generated descriptor (scripts/protos.ts). Field names are the wire's own.
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

function definitionOf(service: string, method: protobuf.Method): MethodDefinition<object, object> {
  const { name, resolvedRequestType: request, resolvedResponseType: response } = method;
  if (!request || !response) throw new Error('The wire descriptor lacks a message; run scripts/protos.ts again.');
  return methodDefinition(`/${service}/${name}`, request, response, method);
}
