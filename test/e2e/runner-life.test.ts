/** How runners start, serve and end, at a time scale of 60. The parts share one emulator. */
import './runner-life/starting.ts';
import './runner-life/runner.ts';
import './runner-life/health.ts';
import './runner-life/revisions.ts';
