/** The engine with the real SDK: apps and functions from the bytes that its CLI registers. All share one engine. */
import './testing/sdk/apps.ts';
import './testing/sdk/functions.ts';
import './testing/sdk/exceptions.ts';
import './testing/sdk/servers.ts';
import './testing/sdk/starts.ts';
