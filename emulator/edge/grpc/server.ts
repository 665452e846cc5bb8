import type { Duplex } from 'node:stream';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { loadServices } from '../../wire/services.ts';
import { createEnvironment, deleteEnvironment, listEnvironments } from './account/environments.ts';
import { createUserKey, listUserKeys, revokeUserKey } from './account/keys.ts';
import * as accountSchemas from './account/schemas.ts';
import { listSecrets, setSecret } from './account/secrets.ts';
import { deleteAlias, listAliases, setAlias } from './apps/aliases.ts';
import { deleteApplication, listApplications, rolloutApplication, updateApplication } from './apps/applications.ts';
import { buildEnvironment } from './apps/build.ts';
import { registerApplication } from './apps/register.ts';
import * as appSchemas from './apps/schemas.ts';
import { checkCall } from './call-guard.ts';
import type { GrpcDeps } from './deps.ts';
import * as fields from './fields.ts';
import { serverStream, unary } from './handlers.ts';
import { maxMessageBytes } from './limits.ts';
import { refuseMethod } from './refuse.ts';
import { killRunner, listAliasRunners, listRunners, stopRunner } from './runners/runners.ts';
import * as runnerSchemas from './runners/schemas.ts';
import { shellRunner } from './runners/shell.ts';
import { run } from './runs/run.ts';
import { runSchema } from './runs/schemas.ts';
import { guardSessions, maxStreams } from './sessions.ts';

/** The control plane. */
export interface GrpcEdge {
  /** Accepts a connection that speaks HTTP/2 in clear text (TLS is already terminated). */
  inject(socket: Duplex): void;
  /** Ends every call and connection. */
  close(): Promise<void>;
}

/**
 * `controller.IsolateController` for the SDK and the CLI, on an HTTP/2 server that opens no port itself
 * (docs/platform/control-plane.md).
 */
export function createGrpcEdge(deps: GrpcDeps): GrpcEdge {
  const { controller } = loadServices();
  const server = new Server({
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_concurrent_streams': maxStreams,
  });
  server.addService(controller, withRefusals(controller, controllerMethods(deps)));
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  guardSessions(server, {
    check: (headers, raw) => checkCall(deps, headers, raw),
    onTrusted: (socket) => deps.noteUse?.(socket),
  });
  return {
    inject(socket) {
      // A client that dies sends FIN and nothing else. HTTP/2 has no half-open connections, so its calls must end.
      socket.allowHalfOpen = false;
      injector.injectConnection(socket);
    },
    async close() {
      injector.destroy();
      server.forceShutdown();
    },
  };
}

function controllerMethods(deps: GrpcDeps): UntypedServiceImplementation {
  const { report } = deps;
  return {
    BuildEnvironment: serverStream(appSchemas.buildEnvironmentSchema, report, buildEnvironment(deps)),
    RegisterApplication: serverStream(appSchemas.registerSchema, report, registerApplication(deps)),
    Run: serverStream(runSchema, report, run(deps)),
    ListAliases: unary(fields.environmentFilterSchema, report, listAliases(deps)),
    SetAlias: unary(appSchemas.setAliasSchema, report, setAlias(deps)),
    DeleteAlias: unary(appSchemas.aliasSchema, report, deleteAlias(deps)),
    ListApplications: unary(appSchemas.listApplicationsSchema, report, listApplications(deps)),
    UpdateApplication: unary(appSchemas.updateApplicationSchema, report, updateApplication(deps)),
    DeleteApplication: unary(appSchemas.applicationIdSchema, report, deleteApplication(deps)),
    RolloutApplication: unary(appSchemas.rolloutSchema, report, rolloutApplication(deps)),
    ListRunners: unary(runnerSchemas.listRunnersSchema, report, listRunners(deps)),
    ListAliasRunners: unary(runnerSchemas.listAliasRunnersSchema, report, listAliasRunners(deps)),
    StopRunner: unary(runnerSchemas.stopRunnerSchema, report, stopRunner(deps)),
    ShellRunner: shellRunner(deps),
    KillRunner: unary(runnerSchemas.killRunnerSchema, report, killRunner(deps)),
    SetSecret: unary(accountSchemas.setSecretSchema, report, setSecret(deps)),
    ListSecrets: unary(fields.environmentFilterSchema, report, listSecrets(deps)),
    ListEnvironments: unary(fields.emptySchema, report, listEnvironments(deps)),
    CreateEnvironment: unary(accountSchemas.createEnvironmentSchema, report, createEnvironment(deps)),
    DeleteEnvironment: unary(accountSchemas.environmentNameSchema, report, deleteEnvironment(deps)),
    CreateUserKey: unary(accountSchemas.createUserKeySchema, report, createUserKey(deps)),
    ListUserKeys: unary(fields.emptySchema, report, listUserKeys(deps)),
    RevokeUserKey: unary(accountSchemas.revokeUserKeySchema, report, revokeUserKey(deps)),
  };
}

/** Every unimplemented method of the proto answers that in a sentence. */
function withRefusals(service: ServiceDefinition, methods: UntypedServiceImplementation): UntypedServiceImplementation {
  const refused = Object.keys(service).filter((name) => !(name in methods));
  return { ...methods, ...Object.fromEntries(refused.map((name) => [name, refuseMethod(name)])) };
}
