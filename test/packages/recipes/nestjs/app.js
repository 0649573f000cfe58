import 'reflect-metadata';
import { Inject, Injectable, Module } from '@nestjs/common';
import { Redis } from 'ioredis';

export const REDIS_OPTIONS = 'REDIS_OPTIONS';

/** What decorators do in TypeScript. */
export class Visits {
  constructor(options) {
    this.redis = new Redis(options);
  }
  count(page) {
    return this.redis.incr(`visits:${page}`);
  }
  onModuleDestroy() {
    this.redis.disconnect();
  }
}
Injectable()(Visits);
Inject(REDIS_OPTIONS)(Visits, undefined, 0);

export class AppModule {}
Module({
  providers: [Visits, { provide: REDIS_OPTIONS, useValue: { host: 'redis.example' } }],
})(AppModule);
