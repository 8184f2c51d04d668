import 'reflect-metadata';

import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';

import { AppModule } from './app.js';

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }));
await app.listen(Number(process.env.PEER_LISTEN), '127.0.0.1');
// The bench reads the token of a signed-in person from the first line.
const token = app.get(JwtService, { strict: false }).sign({ sub: 'ada', org: process.env.PEER_ORG }, { expiresIn: '1h' });
console.log(token);
