#!/usr/bin/env node
import { endOnBrokenPipe } from './process.ts';
import { run } from './run.ts';

endOnBrokenPipe();
process.exitCode = await run(process.argv.slice(2));
