/** A reporter for `node --test` that writes what `conftest.py` writes: one entry a test, for xtask's table. */

import { basename } from 'node:path';

/** Which client each file drives. A file that is not here would vanish from the table. */
const CLIENTS = {
  'openai.test.js': 'openai (Node)',
  'openai-resources.test.js': 'openai (Node)',
  'responses.test.js': 'openai (Node)',
  'anthropic.test.js': 'anthropic (Node)',
  'anthropic-resources.test.js': 'anthropic (Node)',
  'portkey.test.js': 'portkey-ai (Node)',
  'ai-sdk.test.js': 'Vercel AI SDK',
  'langchain.test.js': 'LangChain (Node)',
  'claude-code.test.js': 'Claude Code',
};

function entryOf({ name, file, details, skip, todo }, passed) {
  const client = CLIENTS[basename(file)];
  if (!client) throw new Error(`${file} is not in CLIENTS of reporter.js`);
  const outcome = skip !== undefined || todo !== undefined ? 'skipped' : passed ? 'passed' : 'failed';
  return { client, test: name, outcome, seconds: details.duration_ms / 1000 };
}

export default async function* report(events) {
  const tests = [];
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    // A suite repeats the result of its tests. One that fails by itself, in a hook, has no other entry.
    const cause = data.details.error?.failureType;
    const repeats = data.details.type === 'suite' && (type === 'test:pass' || cause === 'subtestsFailed');
    if (!repeats) tests.push(entryOf(data, type === 'test:pass'));
  }
  yield JSON.stringify({ tests });
}
