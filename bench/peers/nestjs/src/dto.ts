import { Type } from 'class-transformer';
import {
  ArrayMaxSize, IsArray, IsInt, IsISO8601, IsLatitude, IsLongitude, IsNumber, IsOptional, IsString, Length, Min,
  ValidateNested,
} from 'class-validator';

export class PlaceDto {
  @IsLatitude() lat: number;
  @IsLongitude() lon: number;
}

export class ContactDto {
  @IsString() @Length(1, 200) name: string;
  @IsString() @Length(3, 32) phone: string;
}

export class DropoffDto {
  @IsString() @Length(1, 200) street: string;
  @IsString() @Length(1, 32) postcode: string;
  @IsString() @Length(1, 200) city: string;
  @IsString() @Length(2, 2) country: string;
  @ValidateNested() @Type(() => PlaceDto) position: PlaceDto;
  @ValidateNested() @Type(() => ContactDto) contact: ContactDto;
}

export class PackageDto {
  @IsOptional() @IsString() @Length(1, 200) description?: string;
  @IsOptional() @IsInt() @Min(0) weight_g?: number;
}

export class CreateOrderDto {
  @IsString() shop_id: string;
  @ValidateNested() @Type(() => DropoffDto) dropoff: DropoffDto;
  @IsArray() @ArrayMaxSize(50) @ValidateNested({ each: true }) @Type(() => PackageDto) packages: PackageDto[];
}

export class PositionDto {
  @IsLatitude() lat: number;
  @IsLongitude() lon: number;
  @IsISO8601() at: string;
  @IsOptional() @IsNumber() accuracy_m?: number;
  @IsInt() @Min(0) sequence: number;
}
