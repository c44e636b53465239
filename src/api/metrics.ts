import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Histogram, type Metric as PromMetric, Registry } from 'prom-client';
import Type from 'typebox';
import type { ConsumerReport, Platform } from '../pipelines/platform.ts';
import type { Readings } from './metric.ts';
import { METRICS } from './metric-readings.ts';
import { Count, json, Offset, Partition, problems, TopicName } from './schemas.ts';
import type { Api } from './typed.ts';

/** Of the OpenTelemetry conventions for http.server.request.duration. */
const BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** A registry of this server's own: a process may hold several. */
export function registryOf(
  platform: Platform,
  consumerReport: () => Promise<ConsumerReport>,
  { mode }: { readonly mode: 'embedded' | 'kafka' },
): Registry {
  const system = mode === 'kafka' ? 'kafka' : 'streamsocial';
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });

  async function readings(): Promise<Readings> {
    const [health, consumer] = await Promise.all([orNull(platform.health()), orNull(consumerReport())]);
    return {
      health,
      consumer,
      producer: platform.producer.metrics(),
      state: platform.controller.state,
      // of engagement the lag is known as of now
      handlers: platform
        .handlers()
        .map((handler) =>
          handler.name === 'engagement' && consumer !== null ? { ...handler, metrics: consumer } : handler,
        ),
      system,
    };
  }

  for (const { name, help, type, read } of METRICS) {
    const metric = { name, help, type, get: async () => ({ name, help, type, values: read(await readings()) }) };
    registry.registerMetric(metric as unknown as PromMetric);
  }
  return registry;
}

/** A part that does not answer is missing from the scrape and named by `streamsocial_up`; the rest is served. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch {
    return null;
  }
}

export function observeRequests(app: FastifyInstance, registry: Registry): void {
  const duration = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer.',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: BUCKETS_SECONDS,
    registers: [registry],
  });
  app.addHook('onResponse', (request, reply, done) => {
    duration.observe(
      {
        http_request_method: request.method,
        http_route: request.routeOptions.url ?? '(none)',
        http_response_status_code: reply.statusCode,
      },
      reply.elapsedTime / 1000,
    );
    done();
  });
}

const ConsumerMetrics = Type.Object({
  uptime_seconds: Type.Number(),
  messages_processed: Count,
  messages_failed: Count,
  success_rate: Type.Number({ minimum: 0, maximum: 1 }),
  avg_processing_time_ms: Type.Number(),
  dead_letter_count: Count,
  retry_count: Count,
  lag: Count,
  consumer_running: Type.Boolean(),
  partitions: Type.Array(
    Type.Object({
      topic: TopicName,
      partition: Partition,
      position: Offset,
      end_offset: Offset,
      lag: Count,
      waiting_since: Type.Union([Type.Integer(), Type.Null()], {
        description:
          'When the record at `position` was published, milliseconds since the epoch; null while it has not been fetched.',
      }),
    }),
  ),
  dlq_depth: Count,
  parked: Count,
  skipped: Count,
});

export function metricRoutes(app: Api, registry: Registry, consumerReport: () => Promise<ConsumerReport>): void {
  app.get(
    '/api/v1/metrics/consumer',
    {
      schema: {
        tags: ['health'],
        summary: 'The engagement consumer in figures; at most a second old',
        response: {
          200: json('Figures of this process.', ConsumerMetrics),
          ...problems('STORE_UNAVAILABLE', 'LOG_UNAVAILABLE'),
        },
      },
    },
    () => consumerReport(),
  );

  app.get(
    '/metrics',
    {
      schema: {
        tags: ['health'],
        summary: 'Prometheus metrics',
        response: { 200: { description: 'Text format 0.0.4.', content: { 'text/plain': { schema: Type.String() } } } },
      },
    },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );
}
