/** Vercel's `ai` with its OpenAI-compatible provider and its Anthropic one: the same tests in both dialects. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, Output, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

import { newCustomer, script } from './customer.js';
import { PDF, PNG } from './media.js';

let customer;
let models;

before(async () => {
  customer = await newCustomer();
  const compatible = createOpenAICompatible({
    name: 'portcullis',
    apiKey: customer.key,
    baseURL: customer.v1,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  const anthropic = createAnthropic({ apiKey: customer.key, baseURL: customer.v1 });
  models = { 'openai-compatible': compatible(customer.model()), anthropic: anthropic(customer.model()) };
});

/** A tool that keeps what it was asked. */
function weather(asked) {
  return tool({
    description: 'The weather of a city.',
    inputSchema: z.object({ city: z.string() }),
    execute: (input) => (asked.push(input), '18 degrees'),
  });
}

for (const name of ['openai-compatible', 'anthropic']) {
  describe(name, () => {
    const ask = (prompt, more = {}) =>
      generateText({ model: models[name], prompt, maxOutputTokens: 4000, maxRetries: 0, ...more });
    const stream = (prompt, more = {}) =>
      streamText({
        model: models[name],
        prompt,
        maxOutputTokens: 4000,
        maxRetries: 0,
        onError: () => {},
        ...more,
      });

    test('a question is answered', async () => {
      const { text, finishReason, usage } = await ask('Why is the sky blue?');
      assert.match(text, /Why is the sky blue\?/);
      assert.equal(finishReason, 'stop');
      assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
    });

    test('a stream is the whole answer, with its usage', async () => {
      const whole = await ask(script('long=200'));
      const streamed = stream(script('long=200'));
      let [text, deltas] = ['', 0];
      for await (const delta of streamed.textStream) [text, deltas] = [text + delta, deltas + 1];
      assert.equal(text, whole.text);
      assert.ok(deltas > 20, `${deltas} deltas`);
      assert.equal((await streamed.usage).inputTokens, whole.usage.inputTokens);
      assert.equal(await streamed.finishReason, 'stop');
    });

    for (const how of ['whole', 'streamed']) {
      test(`a tool is run, and its result goes back (${how})`, async () => {
        const asked = [];
        const options = { tools: { get_weather: weather(asked) }, stopWhen: stepCountIs(3) };
        const asking = how === 'whole' ? ask : stream;
        const result = await asking(script('tool_use'), options);
        assert.equal(await result.text, 'The tool answered: 18 degrees');
        assert.equal((await result.steps).length, 2);
        assert.deepEqual(asked, [{ city: 'example' }]);
      });
    }

    test('thinking is told as reasoning', async () => {
      const { reasoningText, text } = await ask(script('thinking'));
      assert.match(reasoningText, /A short answer is best/);
      assert.match(text, /after some thought/);
    });

    test('a loop of tools over three steps ends with an answer', async () => {
      // The compatible provider sends no signatures back, so it cannot ask for thinking in a loop of tools.
      const thinking = { type: 'enabled', budgetTokens: 1024 };
      const options = {
        tools: { get_weather: weather([]) },
        stopWhen: stepCountIs(5),
        providerOptions: { anthropic: { thinking } },
      };
      for (const asking of [ask, stream]) {
        const steps = await (await asking(script('tool_loop=2'), options)).steps;
        assert.deepEqual(
          steps.map((step) => step.finishReason),
          ['tool-calls', 'tool-calls', 'stop'],
        );
        assert.equal(steps[0].reasoning.length, name === 'anthropic' ? 1 : 0);
        assert.ok(steps[2].text);
      }
    });

    test('a structured answer is parsed by its schema', async () => {
      const schema = z.object({ city: z.string(), degrees: z.number() });
      const { output } = await ask(script('structured'), { output: Output.object({ schema }) });
      assert.deepEqual([typeof output.city, typeof output.degrees], ['string', 'number']);
    });

    test('an image and a PDF are read', async () => {
      const content = [
        { type: 'text', text: 'What is this?' },
        { type: 'image', image: PNG, mediaType: 'image/png' },
        { type: 'file', data: PDF, mediaType: 'application/pdf', filename: 'report.pdf' },
      ];
      const { text } = await ask(undefined, { messages: [{ role: 'user', content }] });
      assert.match(text, /What is this\?/);
    });

    for (const [asked, status] of [[script('429=7'), 429], [script('529'), name === 'anthropic' ? 529 : 503]]) {
      test(`a ${status} is an error that may be tried again`, () =>
        assert.rejects(ask(asked), (error) => {
          assert.ok(APICallError.isInstance(error), String(error));
          assert.deepEqual([error.statusCode, error.isRetryable], [status, true]);
          return true;
        }));
    }

    test('a stream that breaks is an error after what came before', async () => {
      const parts = [];
      for await (const part of stream(script('error_mid_stream')).fullStream) parts.push(part.type);
      assert.ok(parts.includes('text-delta') && parts.includes('error'), parts.join());
    });
  });
}
