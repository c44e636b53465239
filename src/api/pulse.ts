import Type from 'typebox';
import type { PulseSource } from '../pipelines/pulse/pulse.ts';
import { Mark, Point, Sample } from './pulse-sample.ts';
import { json, problems } from './schemas.ts';
import type { Api } from './typed.ts';

const Pulse = Type.Object({
  sample: Sample,
  history: Type.Array(Point, { description: 'The last ten minutes, a point for every two seconds, oldest first.' }),
  marks: Type.Array(Mark, { description: 'The last 300, oldest first.' }),
});

export function pulseRoutes(app: Api, pulse: PulseSource): void {
  app.get(
    '/api/v1/pulse',
    {
      schema: {
        tags: ['runtime'],
        summary: 'Rates, latencies, lag and troubles, at most a second old; the stream tells them as they go on',
        response: { 200: json('How the platform is, and was.', Pulse), ...problems() },
      },
    },
    async () => {
      const sample = await pulse.sample();
      const { history, marks } = pulse;
      return { sample, history, marks: marks.since() };
    },
  );
}
