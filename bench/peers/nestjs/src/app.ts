import { randomBytes } from 'node:crypto';

import {
  Body, CanActivate, Controller, ExecutionContext, Get, HttpCode, Injectable, Module, NotFoundException, Param,
  ParseUUIDPipe, Post, Req, UnauthorizedException, UseGuards,
} from '@nestjs/common';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { InjectDataSource, TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';

import { CreateOrderDto, PositionDto } from './dto.js';
import { Order, OutboxEvent, Position } from './entities.js';

@Injectable()
class SignedIn implements CanActivate {
  constructor(private readonly jwt: JwtService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest();
    const [scheme, token] = (request.headers.authorization ?? '').split(' ');
    if (scheme !== 'Bearer' || !token) throw new UnauthorizedException();
    try {
      request.claims = await this.jwt.verifyAsync(token);
    } catch {
      throw new UnauthorizedException();
    }
    return true;
  }
}

@Injectable()
class OrdersService {
  constructor(@InjectDataSource() private readonly db: DataSource) {}

  /** The order and its event are saved in one transaction. */
  async create(orgId: string, dto: CreateOrderDto): Promise<Order> {
    return this.db.transaction(async (manager) => {
      const order = await manager.save(
        manager.create(Order, {
          orgId,
          status: 'created',
          trackingCode: randomBytes(8).toString('hex'),
          street: dto.dropoff.street,
          postcode: dto.dropoff.postcode,
          city: dto.dropoff.city,
          country: dto.dropoff.country,
          lat: dto.dropoff.position.lat,
          lon: dto.dropoff.position.lon,
          contactName: dto.dropoff.contact.name,
          contactPhone: dto.dropoff.contact.phone,
          packages: dto.packages,
        }),
      );
      const payload = { order_id: order.id, status: order.status };
      await manager.save(manager.create(OutboxEvent, { orgId, subject: 'order.created.v1', key: order.id, payload }));
      return order;
    });
  }

  async find(orgId: string, id: string): Promise<Order> {
    const order = await this.db.getRepository(Order).findOneBy({ orgId, id });
    if (!order) throw new NotFoundException();
    return order;
  }

  async locate(driverId: string, dto: PositionDto): Promise<void> {
    await this.db.getRepository(Position).insert({
      driverId,
      at: new Date(dto.at),
      sequence: dto.sequence,
      lat: dto.lat,
      lon: dto.lon,
      accuracyM: dto.accuracy_m ?? null,
    });
  }
}

@Controller()
@UseGuards(SignedIn)
class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post('orders')
  create(@Req() request: { claims: { org: string } }, @Body() body: CreateOrderDto): Promise<Order> {
    return this.orders.create(request.claims.org, body);
  }

  @Get('orders/:id')
  read(@Req() request: { claims: { org: string } }, @Param('id', ParseUUIDPipe) id: string): Promise<Order> {
    return this.orders.find(request.claims.org, id);
  }

  @Post('drivers/:id/location')
  @HttpCode(200)
  async locate(@Param('id', ParseUUIDPipe) id: string, @Body() body: PositionDto): Promise<{ status: string }> {
    await this.orders.locate(id, body);
    return { status: 'accepted' };
  }
}

@Module({
  imports: [
    JwtModule.register({ secret: process.env.PEER_SECRET }),
    TypeOrmModule.forRoot({
      type: 'postgres',
      host: process.env.PEER_SOCKET,
      port: Number(process.env.PEER_PORT),
      username: process.env.PEER_USER,
      password: process.env.PEER_PASSWORD,
      database: 'dropmate',
      schema: 'peer',
      entities: [Order, OutboxEvent, Position],
      synchronize: true,
      uuidExtension: 'pgcrypto',
      installExtensions: false,
      poolSize: 10,
    }),
  ],
  controllers: [OrdersController],
  providers: [OrdersService, SignedIn],
})
export class AppModule {}
