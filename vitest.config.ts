import { defineConfig } from 'vitest/config';

// What measures time runs after everything else, alone.
const timed = ['test/event-loop.test.ts', 'test/fair-share.test.ts', 'test/abort.test.ts'];

export default defineConfig({
  test: {
    setupFiles: ['test/support/setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'all', include: ['test/**/*.test.ts'], exclude: timed } },
      { extends: true, test: { name: 'timed', include: timed, sequence: { groupOrder: 1 } } },
    ],
  },
});
