/** The HTTP door of a platform: routes, limits and manners in one Fastify instance. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { AsyncApiOptions } from '../domains/social/asyncapi.ts';
import { shared } from '../kit/monitoring/shared.ts';
import type { Platform } from '../pipelines/platform.ts';
import { analyticsRoutes } from './analytics.ts';
import { Closing } from './closing.ts';
import { type ClusterControl, clusterRoutes, NO_CONTROL } from './cluster.ts';
import { dashboardPage, dashboardRoutes } from './dashboard.ts';
import { deadLetterCheckRoutes } from './dead-letter-check.ts';
import { deadLetterGroupRoutes } from './dead-letter-groups.ts';
import { deadLetterReplayRoutes } from './dead-letter-replays.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { documentRoutes } from './documents.ts';
import { type DrillRuns, drillRoutes, NO_DRILLS } from './drills.ts';
import { engagementRoutes } from './engagement.ts';
import { eventTypeRoutes } from './event-types.ts';
import { eventRoutes } from './events.ts';
import { feedRoutes } from './feed.ts';
import { groupOffsetRoutes } from './group-offsets.ts';
import { groupRoutes } from './groups.ts';
import { healthRoutes } from './health.ts';
import { journeyRoutes } from './journeys.ts';
import { parseJson } from './json-body.ts';
import { logRangeRoutes } from './log-range.ts';
import { metricRoutes, observeRequests, registryOf } from './metrics.ts';
import { moderationRoutes } from './moderation.ts';
import { notFound } from './not-found.ts';
import { notificationRoutes } from './notifications.ts';
import { parkedRoutes } from './parked.ts';
import { rawProblem, sendProblem } from './problems.ts';
import { projectionDocumentRoutes } from './projection-documents.ts';
import { projectionRoutes } from './projections.ts';
import { pulseRoutes } from './pulse.ts';
import { reconciliationRoutes } from './reconciliation.ts';
import { recordRoutes } from './records.ts';
import { searchRoutes } from './search.ts';
import { guardOf, secure } from './security.ts';
import { statusRoutes } from './status.ts';
import { isStreamUpgrade, serveStreams, streamRoute } from './stream.ts';
import type { StreamLimits } from './stream-limits.ts';
import { topicKeyRoutes } from './topic-keys.ts';
import { topicRecordRoutes } from './topic-records.ts';
import { topicRoutes } from './topics.ts';
import { type Api, COMPILERS } from './typed.ts';

export interface ApiSettings {
  readonly host: string;
  readonly port: number;
  /** Null: nobody is asked for a token; only for addresses that no other machine can reach. */
  readonly authToken: string | null;
  readonly mode: 'embedded' | 'kafka';
  /** How the topics were made, for the AsyncAPI document. */
  readonly asyncApi?: Omit<AsyncApiOptions, 'version'>;
}

export interface ApiOptions {
  readonly platform: Platform;
  readonly settings: ApiSettings;
  /** Without one nothing is logged. Requests are not, only what fails inside. */
  readonly logger?: FastifyBaseLogger;
  /** Other bounds of the WebSocket stream than its own. */
  readonly streamLimits?: Partial<StreamLimits>;
  /** Of the servers that were launched here. Without it nobody controls them. */
  readonly cluster?: ClusterControl;
  /** Without it no drill can be run. */
  readonly drills?: DrillRuns;
}

const MAX_BODY_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 2_048;
/** Pages, probes and scrapers share what was just asked for, however many they are; the platform's health is shared as it is. */
const CONSUMER_MAX_AGE_MS = 500;
/** Three characters for a byte of a content id, and room for the rest of the URL. */
const MAX_PARAM_LENGTH = 1_024;

/** Ready to `listen` or `inject`; closing it lets requests under way finish and ends waits. It does not close the platform. */
export function buildApi({
  platform,
  settings,
  logger,
  streamLimits,
  cluster = NO_CONTROL,
  drills = NO_DRILLS,
}: ApiOptions): FastifyInstance {
  const app = Fastify({
    ...(logger === undefined ? { logger: false } : { loggerInstance: logger }),
    logController: new LogController({ disableRequestLogging: true }),
    http: { shouldUpgradeCallback: isStreamUpgrade },
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: 30_000,
    // longer than the longest answer, a reconciliation of a large log
    connectionTimeout: 120_000,
    keepAliveTimeout: 65_000,
    maxRequestsPerSocket: 100_000,
    return503OnClosing: false,
    schemaController: { compilersFactory: COMPILERS },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: sendProblem,
    clientErrorHandler(error, socket) {
      if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy();
      socket.end(rawProblem(STATUS_OF_CLIENT_ERROR[error.code] ?? 400));
    },
  });
  app.server.maxConnections = MAX_CONNECTIONS;

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
    body.length === 0 ? undefined : parseJson(body),
  );
  app.setErrorHandler(sendProblem);
  const sendPage = dashboardPage();
  notFound(app, sendPage);
  const guard = guardOf(settings);
  secure(app, guard);
  const closing = new Closing(app);
  const consumer = shared(
    () => platform.consumerMetrics(),
    CONSUMER_MAX_AGE_MS,
    () => performance.now(),
  );
  const registry = registryOf(platform, consumer, settings);
  observeRequests(app, registry);
  const { log, notifications, pulse } = platform;
  serveStreams(app, { log, notifications, pulse, guard, closing, registry, limits: streamLimits ?? {} });

  // routes come after the documents' plugin, which collects them
  app.register(async (plain) => {
    const scope = plain as unknown as Api;
    await documentRoutes(scope, settings.asyncApi ?? {});
    eventRoutes(scope, platform);
    eventTypeRoutes(scope, platform);
    recordRoutes(scope, platform.log, closing);
    streamRoute(scope);
    engagementRoutes(scope, platform, closing);
    feedRoutes(scope, platform, closing);
    moderationRoutes(scope, platform, closing);
    notificationRoutes(scope, platform, closing);
    analyticsRoutes(scope, platform, closing);
    topicRoutes(scope, platform);
    topicRecordRoutes(scope, platform.log, closing);
    topicKeyRoutes(scope, platform, closing);
    deadLetterRoutes(scope, platform.deadLetters);
    deadLetterGroupRoutes(scope, platform);
    deadLetterReplayRoutes(scope, platform);
    deadLetterCheckRoutes(scope, platform);
    parkedRoutes(scope, platform);
    projectionRoutes(scope, platform);
    projectionDocumentRoutes(scope, platform, closing);
    logRangeRoutes(scope, platform, closing);
    groupRoutes(scope, platform);
    groupOffsetRoutes(scope, platform);
    reconciliationRoutes(scope, platform, closing);
    journeyRoutes(scope, platform, closing);
    searchRoutes(scope, platform, closing);
    statusRoutes(scope, platform, consumer);
    pulseRoutes(scope, platform.pulse);
    healthRoutes(scope, platform);
    clusterRoutes(scope, platform, cluster);
    drillRoutes(scope, drills);
    metricRoutes(scope, registry, consumer);
    dashboardRoutes(scope, sendPage);
  });
  return app;
}

const STATUS_OF_CLIENT_ERROR: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};
